//! Violations and their replay, single runs, and lists.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{Folder, command, told};

/// No algorithm can agree within no time after a crash: this scenario's bound is a violation.
const TOO_STRICT: &str = "
name = \"too-strict\"
summary = \"The leader is killed, and agreement is asked for at once.\"
rest_ms = 0
converge_ms = 0

[[step]]
crash = \"leader\"
";

// A violation must be told with the command that shows it, and be seen by scripts.
#[test]
fn violations_are_told_with_a_command_that_replays_them() {
    let folder = Folder::new("violated");
    let file = folder.file("too strict.toml", TOO_STRICT);
    let compare = |format: &str| {
        let mut compare = command();
        compare.args([
            "compare",
            "--algorithms",
            "raft",
            "--nodes",
            "3",
            "--runs",
            "2",
        ]);
        compare
            .args(["--format", format, "--scenario-file"])
            .arg(&file)
            .output()
            .unwrap()
    };
    let output = compare("table");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("violates agreement in too-strict with 3 nodes"),
        "{text}"
    );
    let replay = text
        .lines()
        .find(|line| line.contains("-- simulate"))
        .unwrap();
    let arguments = replay
        .trim()
        .strip_prefix("cargo run --release -- ")
        .unwrap();
    // The path has a blank: it must be quoted as a shell wants it.
    let line = format!("\"$0\" {arguments}");
    let shell = ["-c", &line, env!("CARGO_BIN_EXE_elector")];
    let output = Command::new("sh").args(shell).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("VIOLATED    agreement"), "{text}");
    assert!(text.contains(replay.trim()), "{text}");
    // Standard output stays a table that programs can read.
    let output = compare("json");
    assert_eq!(output.status.code(), Some(1));
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("-- simulate")
    );
}

// A run is told in words, drawn, and kept for other tools.
#[test]
fn simulate_tells_draws_and_keeps_a_run() {
    let folder = Folder::new("simulate");
    let (trace, svg) = (folder.0.join("run.jsonl"), folder.0.join("run.svg"));
    let run = format!(
        "simulate --algorithm raft --scenario leader-crash --nodes 3 --seed 7 --trace {} --svg {}",
        trace.display(),
        svg.display()
    );
    let text = told(&run);
    for word in [
        "crashed",
        "leads epoch",
        "elected     n",
        "Every invariant held.",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    let records = fs::read_to_string(&trace).unwrap();
    assert!(records.lines().count() > 100);
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["at_ns"].is_u64(), "{line}");
    }
    assert_eq!(text, told(&run));
}

// What `scenarios NAME` prints is meant to be copied, changed and given back.
#[test]
fn a_printed_scenario_can_be_given_back() {
    let folder = Folder::new("copied");
    let file = folder.file("mine.toml", &told("scenarios leader-crash"));
    let common = "compare --algorithms raft --nodes 3 --runs 2 --format csv";
    assert_eq!(
        told(&format!("{common} --scenario-file {}", file.display())),
        told(&format!("{common} --scenarios leader-crash"))
    );
}

// The composition is in the title and in the command: it alone says what a run was.
#[test]
fn simulate_names_the_composition_that_the_seed_draws() {
    let run = |scenario: &str| {
        told(&format!(
            "simulate --algorithm raft --scenario {scenario} --nodes 3 --seed 4"
        ))
    };
    let drawn = run("random");
    let name = drawn.split(", ").nth(1).unwrap();
    assert!(name.starts_with("random:") && name.contains('+'), "{drawn}");
    assert_eq!(run(name), drawn);
    let listed = told("scenarios random");
    assert!(listed.contains("late-message") && listed.contains("compose"));
}

// A composition in a file is as random as the built-in one, or exactly what it lists.
#[test]
fn a_composition_can_be_given_in_a_file() {
    let folder = Folder::new("composed");
    let common = "compare --algorithms raft --nodes 3 --runs 2 --format csv";
    let random = told("scenarios random");
    let drawn = folder.file("drawn.toml", &random);
    assert_eq!(
        told(&format!("{common} --scenario-file {}", drawn.display())),
        told(&format!("{common} --scenarios random"))
    );
    let step = "compose = { for_ms = 5000 }";
    let listed = "compose = { for_ms = 5000, of = [\"restart\", \"stall\"] }";
    let listed = folder.file("listed.toml", &random.replace(step, listed));
    let of_file = told(&format!("{common} --scenario-file {}", listed.display()));
    let named = told(&format!("{common} --scenarios random:restart+stall"));
    assert_eq!(of_file, named.replace("random:restart+stall", "random"));
}

// Clusters of one, two and four are where majorities are miscounted.
#[test]
fn odd_sizes_work() {
    let text = told("compare --nodes 1,2,4 --runs 1 --scenarios boot,leader-crash --format csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let column = |name: &str, header: &csv::StringRecord| {
        header.iter().position(|known| known == name).unwrap()
    };
    let header = reader.headers().unwrap().clone();
    for row in reader.records() {
        let row = row.unwrap();
        assert_eq!(&row[column("elected_runs", &header)], "1", "{row:?}");
        assert_eq!(&row[column("violations", &header)], "0", "{row:?}");
    }
}

// Lists must name all there is, with what it promises.
#[test]
fn lists_name_everything() {
    let algorithms = told("algorithms");
    for word in ["raft — quorum", "raft/plain", "bully — best-effort"] {
        assert!(algorithms.contains(word), "{word}: {algorithms}");
    }
    let scenarios = told("scenarios");
    for word in ["leader-crash", "churn", "late-answers", "random"] {
        assert!(scenarios.contains(word), "{word}: {scenarios}");
    }
    let wide = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(wide(&algorithms) <= 100 && wide(&scenarios) <= 100);
}
