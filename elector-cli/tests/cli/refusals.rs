//! What cannot be done is refused with the reason, before any work.

use std::{fs, io::Read, path::PathBuf, process::Stdio};

use crate::{Folder, command, refused};

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
            "needs at least 3 nodes",
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
