//! Tests of violations of invariants and of the commands that repeat them, of single runs, and of
//! the lists of algorithms and scenarios.

use std::{fs, process::Command};

use serde_json::Value;

use super::{Folder, command, stdout_of};

/// A scenario in which every run violates an invariant: it requires agreement immediately after a
/// crash, which no algorithm can reach.
pub(super) const TOO_STRICT: &str = "
name = \"too-strict\"
summary = \"The leader is killed, and agreement is required immediately.\"
rest_ms = 0
converge_ms = 0

[[step]]
crash = \"leader\"
";

// A violation must be reported with the command that repeats it, and with an exit code that scripts
// can check.
#[test]
fn violations_are_reported_with_a_command_that_replays_them() {
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
        text.contains("violates agreement in too-strict with 3 nodes, seed 1 ("),
        "{text}"
    );
    let replay = text
        .lines()
        .find(|line| line.contains("elector simulate"))
        .unwrap();
    let arguments = replay.trim().strip_prefix("elector ").unwrap();
    // The path has a blank, so the command must quote it for the shell.
    let line = format!("\"$0\" {arguments}");
    let shell = ["-c", &line, env!("CARGO_BIN_EXE_elector")];
    let output = Command::new("sh").args(shell).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("VIOLATED    agreement"), "{text}");
    assert!(text.contains(replay.trim()), "{text}");
    // With a format for programs, standard output must contain only this format, so the violations
    // go to standard error.
    let output = compare("json");
    assert_eq!(output.status.code(), Some(1));
    assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok());
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("elector simulate")
    );
}

// `simulate` must print a run, draw it, and save it for other tools.
#[test]
fn simulate_prints_draws_and_saves_a_run() {
    let folder = Folder::new("simulate");
    let (trace, svg) = (folder.0.join("run.jsonl"), folder.0.join("run.svg"));
    let run = format!(
        "simulate --algorithm raft --scenario leader-crash --nodes 3 --seed 7 --trace {} --svg {}",
        trace.display(),
        svg.display()
    );
    let text = stdout_of(&run);
    for part in [
        "crashed",
        "leads epoch",
        "elected     n",
        "Every invariant held.",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(fs::read_to_string(&svg).unwrap().starts_with("<svg"));
    let records = fs::read_to_string(&trace).unwrap();
    assert!(records.lines().count() > 100);
    for line in records.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["at_ns"].is_u64(), "{line}");
    }
    assert_eq!(text, stdout_of(&run));
}

// Users copy the output of `scenarios NAME` and change it, so the command must accept this output
// as a file.
#[test]
fn a_printed_scenario_is_a_valid_file() {
    let folder = Folder::new("copied");
    let file = folder.file("mine.toml", &stdout_of("scenarios leader-crash"));
    let common = "compare --algorithms raft --nodes 3 --runs 2 --format csv";
    assert_eq!(
        stdout_of(&format!("{common} --scenario-file {}", file.display())),
        stdout_of(&format!("{common} --scenarios leader-crash"))
    );
}

// In a random scenario, the seed draws a composition of faults. The title and the printed command
// must contain the composition, because it identifies the run.
#[test]
fn simulate_names_the_composition_that_the_seed_draws() {
    let run = |scenario: &str| {
        stdout_of(&format!(
            "simulate --algorithm raft --scenario {scenario} --nodes 3 --seed 4"
        ))
    };
    let drawn = run("random");
    let name = drawn.split(", ").nth(1).unwrap();
    assert!(name.starts_with("random:") && name.contains('+'), "{drawn}");
    assert_eq!(run(name), drawn);
    let listed = stdout_of("scenarios random");
    assert!(listed.contains("late-message") && listed.contains("compose"));
}

// A composition in a scenario file may leave the choice of faults to the seed, like the built-in
// scenario `random`, or list the faults.
#[test]
fn a_file_can_contain_a_composition() {
    let folder = Folder::new("composed");
    let common = "compare --algorithms raft --nodes 3 --runs 2 --format csv";
    let random = stdout_of("scenarios random");
    let drawn = folder.file("drawn.toml", &random);
    assert_eq!(
        stdout_of(&format!("{common} --scenario-file {}", drawn.display())),
        stdout_of(&format!("{common} --scenarios random"))
    );
    let step = "compose = { for_ms = 5000 }";
    let listed = "compose = { for_ms = 5000, of = [\"restart\", \"stall\"] }";
    let listed = folder.file("listed.toml", &random.replace(step, listed));
    let of_file = stdout_of(&format!("{common} --scenario-file {}", listed.display()));
    let named = stdout_of(&format!("{common} --scenarios random:restart+stall"));
    assert_eq!(of_file, named.replace("random:restart+stall", "random"));
}

// If the size of a majority was computed wrongly, clusters of one, two or four nodes would elect no
// leader, or would violate an invariant.
#[test]
fn small_and_even_sizes_work() {
    let text =
        stdout_of("compare --nodes 1,2,4 --runs 1 --scenarios boot,leader-crash --format csv");
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

// Lists must contain all algorithms with their guarantees, and all scenarios.
#[test]
fn lists_are_complete() {
    let algorithms = stdout_of("algorithms");
    for part in ["raft — quorum", "raft/plain", "bully — best-effort"] {
        assert!(algorithms.contains(part), "{part}: {algorithms}");
    }
    let scenarios = stdout_of("scenarios");
    for part in ["leader-crash", "churn", "late-answers", "random"] {
        assert!(scenarios.contains(part), "{part}: {scenarios}");
    }
    let wide = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(wide(&algorithms) <= 100 && wide(&scenarios) <= 100);
}
