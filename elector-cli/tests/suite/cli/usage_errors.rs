//! Tests of wrong usage. The command must reject it with the reason, before the work starts.

use std::{fs, io::Read, path::PathBuf, process::Stdio};

use super::{Folder, command, usage_error};

// The error for a typing error must suggest the right name.
#[test]
fn errors_for_unknown_names_suggest_the_nearest() {
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
            "compare --scenarios random:crash+drfit",
            "did you mean \"drift\"?",
        ),
        (
            "simulate --algorithm raft --scenario random:",
            "the ingredients are: crash, restart,",
        ),
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
        (
            "simulate --algorithm raft --scenario members",
            "give one of replace-dead, grow,",
        ),
        (
            "simulate --algorithm bully --scenario grow",
            "use an algorithm whose members can change: raft, paxos",
        ),
        (
            "compare --algorithms bully,ring --scenarios members",
            "no algorithms whose members can change",
        ),
        ("comapre", "compare"),
    ] {
        let error = usage_error(arguments);
        assert!(error.contains(hint), "{arguments}: {error}");
    }
}

// Users forget `--scenario-file` before a path. The error must name this option, and not the most
// similar name of a built-in scenario.
#[test]
fn a_path_in_place_of_a_scenario_leads_to_the_option_for_files() {
    for arguments in [
        "compare --scenarios ./mine.toml",
        "compare --scenarios boot,./mine.toml",
        "simulate --algorithm raft --scenario ./mine.toml",
        "scenarios ./mine.toml",
    ] {
        let error = usage_error(arguments);
        assert!(
            error.contains("--scenario-file ./mine.toml"),
            "{arguments}: {error}"
        );
    }
}

// The error for a wrong number or an empty list must name the reason, before any run starts.
#[test]
fn errors_for_wrong_values_name_the_reason() {
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
        ("compare --shard 1/3", "--out"),
        ("compare --shard 0/3 --out x", "add 1 to it"),
        ("compare --shard 4/3 --out x", "numbered from 1 to 3"),
        ("compare --shard 1/3 --out x --format csv", "cannot be used"),
        ("merge --out x", "<DIR>"),
        ("compare --format xml", "possible values: table, json, csv"),
        (
            "simulate --algorithm raft --scenario minority-leader --nodes 2",
            "needs at least 3 nodes",
        ),
        ("simulate --algorithm raft", "--scenario"),
        (
            "simulate --algorithm raft --scenario boot --nodes 0",
            "at least 1 node",
        ),
    ] {
        let error = usage_error(arguments);
        assert!(error.contains(reason), "{arguments}: {error}");
    }
}

// Users edit scenarios by hand. The error must name the line and the reason.
#[test]
fn errors_for_a_scenario_file_name_the_line_and_the_reason() {
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
        (&empty, ["line 4", "exactly one action"]),
    ] {
        let path = path.display();
        for arguments in [
            format!("compare --scenario-file {path}"),
            format!("simulate --algorithm raft --scenario-file {path}"),
        ] {
            let error = usage_error(&arguments);
            for reason in reasons {
                assert!(error.contains(reason), "{arguments}: {error}");
            }
        }
    }
}

// The command must check whether it can write its output before the runs start: after minutes of
// work it would be too late.
#[test]
fn output_files_are_checked_before_the_runs() {
    let folder = Folder::new("unwritable");
    let file = folder.file("file", "mine");
    fs::create_dir_all(folder.0.join("taken/report.html")).unwrap();
    // If the check came after the runs, this test would not end in time: these runs take very long.
    let endless = "compare --nodes 101 --runs 1000000";
    for out in [
        file.clone(),
        file.join("below"),
        folder.0.join("taken"),
        PathBuf::from("/proc/elector"),
    ] {
        let error = usage_error(&format!("{endless} --out {}", out.display()));
        assert!(error.contains("cannot write"), "{error}");
    }
    for option in ["--svg", "--trace"] {
        let path = folder.0.join("absent/file");
        let error = usage_error(&format!(
            "simulate --algorithm raft --scenario boot {option} {}",
            path.display()
        ));
        assert!(error.contains("cannot write"), "{error}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

// In `elector compare | head`, `head` closes the pipe before the end of the output. This must not
// be an error.
#[test]
fn a_closed_pipe_does_not_cause_a_panic() {
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
        let mut error = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut error)
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(0),
            "{arguments}: {error}"
        );
        assert_eq!(error, "", "{arguments}");
    }
}
