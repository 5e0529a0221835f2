use std::fs;

use crate::command::{elector, failed, finished, own_ip};

// Before an operator restarts nodes with other settings, `--check-config` must show the effect of
// these settings. The check itself must change nothing.
#[test]
fn a_check_prints_a_summary_of_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let peers = format!("1={0}:7101,2={0}:7102,3={0}:7103", own_ip());
    let check = |arguments: &[&str]| {
        let mut command = elector(&["node", "--check-config", "--peers", &peers]);
        command.args(arguments).arg("--data-dir").arg(&data);
        command
    };
    let paxos = ["--id", "2", "--algorithm", "paxos"];
    let (code, output) = finished(&mut check(&[&paxos[..], &["--init"]].concat()));
    assert_eq!(code, 0, "{output}");
    for hint in [
        "are valid",
        "node       2",
        "paxos, quorum",
        "TLS        off",
        "--init",
    ] {
        assert!(output.contains(hint), "{hint}: {output}");
    }
    assert!(!data.exists());
    // Without a record in the data folder, the node could not start.
    let output = failed(&mut check(&paxos));
    assert!(output.contains("no record"), "{output}");
    assert!(!data.exists());

    for (arguments, hint) in [
        (&["--id", "4"][..], "own id 4 is not in the list"),
        (&[], "--id is missing"),
        (&["--id", "1", "--algorithm", "raft/plan"], "plain"),
        (&["--id", "1", "--tls-dir", "/nowhere"], "/nowhere"),
        (&["--id", "1", "--config", "/nowhere.toml"], "/nowhere.toml"),
        (&["--id", "one"], "whole number"),
        (&["--id", "1", "--log", "=="], "--log"),
        (&["--id", "1", "--token-file", "/nowhere"], "/nowhere"),
        (&["--id", "1", "--listen", "0.0.0.0:7101"], "without TLS"),
        (&["--id", "1", "--http", "0.0.0.0:7180"], "no TLS"),
        (&["--id", "1", "--http", "nonsense"], "HOST:PORT"),
    ] {
        for also in [&[][..], &["--init"]] {
            let output = failed(&mut check(&[arguments, also].concat()));
            assert!(output.contains(hint), "{arguments:?} {also:?}: {output}");
        }
    }
}

// If a check accepts settings with which a node cannot start, the node does not come back from its
// next restart.
#[test]
fn a_check_fails_if_the_node_could_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ip = own_ip();
    let run = |peers: &str, arguments: &[&str]| {
        let mut command = elector(&["node", "--id", "1", "--peers", peers, "--data-dir"]);
        command.arg(&data).args(["--algorithm", "bully"]);
        finished(command.args(arguments))
    };
    let check = ["--check-config"];
    let good = format!("1={ip}:7101,2={ip}:7102,3={ip}:7103");
    assert_eq!(run(&good, &["--init"]).0, 0);
    assert_eq!(run(&good, &check).0, 0);
    assert_eq!(run(&good, &["--check-config", "--init"]).0, 2);
    for (peers, hint) in [
        (
            format!("1={ip}:7101,2={ip}:7102,3={ip}:7102"),
            "nodes 2 and 3",
        ),
        (
            format!("1={ip}:7101,2={ip}:7102,3=192.0.2.7:7103"),
            "node 3 is on another machine",
        ),
        (
            format!("1={ip}:7101,2={ip}:7102"),
            "made for the nodes 1, 2, 3",
        ),
    ] {
        let (code, output) = run(&peers, &check);
        assert!(code == 2 && output.contains(hint), "{peers}: {output}");
    }
    let record = fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let record = record
        .max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap();
    fs::File::options()
        .write(true)
        .open(record)
        .unwrap()
        .set_len(100)
        .unwrap();
    let (code, truncated) = run(&good, &check);
    assert!(code == 2 && truncated.contains("100 bytes"), "{truncated}");
}

// A file of variables may come from a template, with empty values, or from another system, with
// other line ends. A variable with a misspelled name has no effect, and must cause a warning.
#[test]
fn variables_are_cleaned_and_unknown_ones_cause_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let peers = format!("1={}:7101\r", own_ip());
    let mut command = elector(&["node", "--check-config", "--init", "--id", "1"]);
    command.arg("--data-dir").arg(folder.path().join("data"));
    command.envs([
        ("ELECTOR_PEERS", peers.as_str()),
        ("ELECTOR_NAME", "billing\r"),
        ("ELECTOR_ALGORITHM", ""),
        ("ELECTOR_TLS_DIR", "\r"),
        ("ELECTOR_PROFLE", "lan"),
        ("ELECTOR_SERVICE_HOST", "10.0.0.1"),
    ]);
    let (code, output) = finished(&mut command);
    assert_eq!(code, 0, "{output}");
    for hint in [
        "cluster \"billing\"",
        "raft, quorum",
        "TLS        off",
        "ELECTOR_PROFLE",
    ] {
        assert!(output.contains(hint), "{hint}: {output}");
    }
    assert!(
        output.contains("ELECTOR_PROFILE"),
        "the suggestion: {output}"
    );
    assert!(!output.contains("ELECTOR_SERVICE_HOST"), "{output}");
}

// There must be one order of precedence for all settings, so that operators know which value is in
// force.
#[test]
fn a_flag_takes_precedence_over_a_variable_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("node.toml");
    let peers = format!("1={}:7101", own_ip());
    fs::write(
        &file,
        format!(
            "name = 'of the file'\nid = 1\nalgorithm = 'paxos'\npeers = ['{peers}']\n\
             data_dir = '{}'\n[timing]\nheartbeat_ms = 33\n",
            folder.path().join("data").display()
        ),
    )
    .unwrap();
    let check = |arguments: &[&str], name: Option<&str>| {
        let mut command = elector(&["node", "--check-config", "--init"]);
        command.args(arguments).env("ELECTOR_CONFIG", &file);
        command.envs(name.map(|name| ("ELECTOR_NAME", name)));
        let (code, output) = finished(&mut command);
        assert_eq!(code, 0, "{output}");
        // Only the file can set this duration, so it must always be in force.
        assert!(output.contains("\"heartbeat_ms\":33"), "{output}");
        output
    };
    let file_only = check(&[], None);
    assert!(
        file_only.contains("\"of the file\"") && file_only.contains("paxos"),
        "{file_only}"
    );
    let with_variable = check(&[], Some("of the variable"));
    assert!(
        with_variable.contains("\"of the variable\"") && with_variable.contains("paxos"),
        "{with_variable}"
    );
    let with_flag = check(&["--name", "of the flag"], Some("of the variable"));
    assert!(with_flag.contains("\"of the flag\""), "{with_flag}");
}

// If the guardian, the process that stops the command, cannot do this within the lease, the
// commands of two leaders can write at the same time. A check must find such settings before the
// node is started.
#[test]
fn a_check_of_run_includes_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let peers = format!("1={}:7101", own_ip());
    let check = |arguments: &[&str]| {
        let mut command = elector(&["run", "--check-config", "--init", "--id", "1"]);
        command.args(["--peers", &peers, "--data-dir"]);
        command.arg(folder.path()).args(arguments);
        command
    };
    assert_eq!(finished(&mut check(&["--", "true"])).0, 0);
    assert_eq!(finished(&mut check(&[])).0, 0, "a check needs no command");
    for (arguments, hint) in [
        (&["--", "no-such-command"][..], "no-such-command"),
        (&["--", "/etc"], "chmod"),
        (&["--margin-ms", "700", "--", "true"], "shorter than lease"),
        (&["--grace-ms", "20000", "--", "true"], "--leave-ms (15s)"),
    ] {
        let output = failed(&mut check(arguments));
        assert!(output.contains(hint), "{arguments:?}: {output}");
    }
}
