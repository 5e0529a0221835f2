//! The `elector` command, run as a user runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// A folder of this test alone, empty at first and gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("elector-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_elector"))
}

fn elector(arguments: &str) -> Output {
    command().args(arguments.split(' ')).output().unwrap()
}

/// The standard output of a command that must succeed.
fn told(arguments: &str) -> String {
    let output = elector(arguments);
    let told = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments}: {told}{complaint}"
    );
    told
}

/// The complaint of a command that must be refused as wrong usage.
fn refused(arguments: &str) -> String {
    let output = elector(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments}");
    assert!(output.stdout.is_empty(), "{arguments}");
    String::from_utf8(output.stderr).unwrap()
}

const SMALL: &str = "--algorithms raft --nodes 1,3 --scenarios leader-crash,hinted-crash --runs 2";

// A slip of the finger must be answered with what was meant.
#[test]
fn unknown_names_are_answered_with_the_nearest() {
    for (arguments, hint) in [
        ("compare --algorithms rfat", "did you mean \"raft\"?"),
        ("compare --algorithms raft/plan", "did you mean \"plain\"?"),
        ("compare --algorithms raft/xyzzy", "it has: "),
        (
            "compare --algorithms xyzzy",
            "`elector algorithms` lists them",
        ),
        (
            "compare --scenarios leader-crush",
            "did you mean \"leader-crash\"?",
        ),
        ("scenarios chrun", "did you mean \"churn\"?"),
        (
            "simulate --algorithm rft --scenario boot",
            "did you mean \"raft\"?",
        ),
        (
            "simulate --algorithm raft --variant plan --scenario boot",
            "did you mean \"plain\"?",
        ),
        (
            "simulate --algorithm raft --scenario bot",
            "did you mean \"boot\"?",
        ),
        ("comapre", "compare"),
    ] {
        let complaint = refused(arguments);
        assert!(complaint.contains(hint), "{arguments}: {complaint}");
    }
}

// Every wrong number or empty list has its reason, before anything runs.
#[test]
fn wrong_values_are_answered_with_the_reason() {
    for (arguments, reason) in [
        ("compare --nodes 0", "at least 1 node"),
        ("compare --nodes 10001", "the limit is 10000"),
        ("compare --nodes three", "not a whole number"),
        ("compare --nodes=", "not a whole number"),
        ("compare --runs 0", "at least 1 run"),
        ("compare --jobs 0", "at least 1 thread"),
        ("compare --algorithms=", "empty name"),
        ("compare --algorithms raft,", "empty name"),
        ("compare --scenarios=", "empty name"),
        (
            "compare --scenarios minority-leader --nodes 2",
            "clusters of this size",
        ),
        ("compare --format xml", "possible values: table, json, csv"),
        (
            "simulate --algorithm raft --scenario minority-leader --nodes 2",
            "from 3 nodes",
        ),
        ("simulate --algorithm raft", "--scenario"),
        (
            "simulate --algorithm raft --scenario boot --nodes 0",
            "at least 1 node",
        ),
    ] {
        let complaint = refused(arguments);
        assert!(complaint.contains(reason), "{arguments}: {complaint}");
    }
}

// A scenario of one's own is edited by hand: the line and the reason must come back.
#[test]
fn a_wrong_scenario_file_is_answered_with_line_and_reason() {
    let folder = Folder::new("wrong-scenario");
    let absent = folder.0.join("absent.toml");
    let typo = folder.file(
        "typo.toml",
        "name = \"own\"\nsummary = \"\"\n\n[[step]]\ncrahs = \"leader\"\n",
    );
    let empty = folder.file(
        "empty.toml",
        "name = \"own\"\nsummary = \"\"\n\n[[step]]\nafter_ms = 5\n",
    );
    let folder_itself = folder.0.clone();
    for (path, reasons) in [
        (&absent, ["cannot read", "absent.toml"]),
        (&folder_itself, ["cannot read", "wrong-scenario"]),
        (&typo, ["line 5", "crahs"]),
        (&empty, ["line 4", "exactly one thing"]),
    ] {
        let path = path.display();
        for arguments in [
            format!("compare --scenario-file {path}"),
            format!("simulate --algorithm raft --scenario-file {path}"),
        ] {
            let complaint = refused(&arguments);
            for reason in reasons {
                assert!(complaint.contains(reason), "{arguments}: {complaint}");
            }
        }
    }
}

// After minutes of work it is too late to hear that the result cannot be written.
#[test]
fn what_cannot_be_written_is_said_before_the_runs() {
    let folder = Folder::new("unwritable");
    let file = folder.file("file", "mine");
    fs::create_dir_all(folder.0.join("taken/report.html")).unwrap();
    // More runs than could be done while a test waits.
    let endless = "compare --nodes 101 --runs 1000000";
    for out in [
        file.clone(),
        file.join("below"),
        folder.0.join("taken"),
        PathBuf::from("/proc/elector"),
    ] {
        let complaint = refused(&format!("{endless} --out {}", out.display()));
        assert!(complaint.contains("cannot write"), "{complaint}");
    }
    for option in ["--svg", "--trace"] {
        let path = folder.0.join("absent/file");
        let complaint = refused(&format!(
            "simulate --algorithm raft --scenario boot {option} {}",
            path.display()
        ));
        assert!(complaint.contains("cannot write"), "{complaint}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<_> = entries
        .map(|path| (name(&path), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

// The promise that makes a comparison worth publishing: anyone gets the same bytes.
#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let folder = Folder::new("deterministic");
    let run = |jobs: u8| {
        let out = folder.0.join(jobs.to_string());
        let told = told(&format!(
            "compare {SMALL} --jobs {jobs} --out {}",
            out.display()
        ));
        (told, files(&out))
    };
    let (one, two) = (run(1), run(2));
    let names: Vec<&str> = one.1.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "elections.csv",
            "manifest.json",
            "report.html",
            "summary.csv"
        ]
    );
    assert!(one == two);
    for format in ["json", "csv"] {
        let run = |jobs: u8| told(&format!("compare {SMALL} --jobs {jobs} --format {format}"));
        assert_eq!(run(1), run(2));
        assert_ne!(
            run(1),
            told(&format!("compare {SMALL} --seed 9 --format {format}"))
        );
    }
}

// What is not ours by name in the folder is the user's.
#[test]
fn only_our_own_files_are_overwritten() {
    let folder = Folder::new("overwrite");
    let mine = folder.file("notes.txt", "mine");
    let old = folder.file("summary.csv", "old");
    told(&format!("compare {SMALL} --out {}", folder.0.display()));
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine");
    assert!(
        fs::read_to_string(old)
            .unwrap()
            .starts_with("algorithm,variant,")
    );
    assert_eq!(files(&folder.0).len(), 5);
}

// Scripts are written against these names.
#[test]
fn json_is_an_array_of_cells_with_the_documented_fields() {
    let cells: Value =
        serde_json::from_str(&told(&format!("compare {SMALL} --format json"))).unwrap();
    let cells = cells.as_array().unwrap();
    let variants = told("algorithms")
        .lines()
        .filter(|line| line.starts_with("  raft/"))
        .count();
    assert_eq!(cells.len(), variants * 2 * 2);
    for cell in cells {
        for field in [
            "algorithm",
            "variant",
            "guarantee",
            "nodes",
            "scenario",
            "runs",
            "elected_runs",
            "messages_mean",
            "messages_max",
            "bytes_mean",
            "elect_ms_p50",
            "elect_ms_p99",
            "leaderless_ms_mean",
            "split_brain_ms_mean",
            "split_brain_runs",
            "leader_changes_mean",
            "violations",
            "steady_messages_per_s",
        ] {
            assert!(cell.get(field).is_some(), "{field} in {cell}");
        }
        assert_eq!((&cell["runs"], &cell["violations"]), (&2.into(), &0.into()));
        assert_eq!(cell["guarantee"], "quorum");
    }
}

// A spreadsheet needs one header and rows of one length; one row an election.
#[test]
fn csv_files_hold_a_row_for_every_cell_and_election() {
    let folder = Folder::new("csv");
    told(&format!("compare {SMALL} --out {}", folder.0.display()));
    let summary = fs::read_to_string(folder.0.join("summary.csv")).unwrap();
    assert_eq!(summary, told(&format!("compare {SMALL} --format csv")));
    let elections = fs::read_to_string(folder.0.join("elections.csv")).unwrap();
    for text in [&summary, &elections] {
        let columns: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert!(columns.iter().all(|count| *count == columns[0]), "{text}");
    }
    let mut reader = csv::Reader::from_reader(summary.as_bytes());
    let place = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "elections")
        .unwrap();
    let counts = reader
        .records()
        .map(|row| row.unwrap()[place].parse::<usize>().unwrap());
    assert_eq!(elections.lines().count() - 1, counts.sum::<usize>());
}

// The manifest is what one needs to do it again: the command in it must give the same table.
#[test]
fn the_command_in_the_manifest_gives_the_same_rows() {
    let folder = Folder::new("manifest");
    let out = folder.0.join("out");
    told(&format!("compare {SMALL} --seed 5 --out {}", out.display()));
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        manifest["seeds"],
        serde_json::json!({ "first": 5, "last": 6 })
    );
    assert_eq!(manifest["elector"], env!("CARGO_PKG_VERSION"));
    let command = manifest["command"].as_str().unwrap();
    let arguments = command.strip_prefix("cargo run --release -- ").unwrap();
    let again = told(&format!("{arguments} --format csv"));
    assert_eq!(again, fs::read_to_string(out.join("summary.csv")).unwrap());
}

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

// `elector compare | head` closes the pipe long before the end.
#[test]
fn a_closed_pipe_is_no_panic() {
    for arguments in [
        "compare --runs 1 --nodes 3 --format json",
        "scenarios",
        "algorithms",
        "--help",
    ] {
        let mut child = command()
            .args(arguments.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut complaint = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut complaint)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{arguments}: {complaint}"
        );
        assert_eq!(complaint, "", "{arguments}");
    }
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

// Lists must name all there is, with what it promises.
#[test]
fn lists_name_everything() {
    let algorithms = told("algorithms");
    for word in ["raft — quorum", "raft/plain", "bully — best-effort"] {
        assert!(algorithms.contains(word), "{word}: {algorithms}");
    }
    let scenarios = told("scenarios");
    for word in ["leader-crash", "churn"] {
        assert!(scenarios.contains(word), "{word}: {scenarios}");
    }
    let wide = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(wide(&algorithms) <= 100 && wide(&scenarios) <= 100);
}

// The overview stands in for hundreds of rows, in a terminal of 100 columns.
#[test]
fn the_overview_fits_a_terminal() {
    let text = told("compare --runs 1");
    for part in [
        "What was seen.",
        "Time to elect",
        "Messages of the first",
        "--format csv",
        "--out",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let wide = text.lines().filter(|line| line.chars().count() > 100);
    assert_eq!(wide.collect::<Vec<_>>(), [""; 0]);
}

// The page must stand alone: people mail it, and open it years later.
#[test]
fn the_report_needs_nothing_from_elsewhere() {
    let folder = Folder::new("report");
    told(&format!(
        "compare --algorithms raft,bully --nodes 3,5 --scenarios leader-crash,minority-leader \
         --runs 2 --out {}",
        folder.0.display()
    ));
    let page = fs::read_to_string(folder.0.join("report.html")).unwrap();
    for foreign in ["<script", "<link", "<img", "src=", "@import"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    for part in [
        "prefers-color-scheme: dark",
        "Two leaders at once in",
        "Never two leaders of one epoch",
        "bully/preempt",
        "simulate --algorithm bully --variant preempt --scenario minority-leader --nodes 5",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for diagram in ["id=\"verdicts\"", "class=\"chart\"", "id=\"worst\""] {
        assert!(page.contains(diagram), "{diagram}");
    }
}
