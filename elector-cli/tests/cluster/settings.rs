use std::fs;

use crate::command::{elector, finished, own_ip, refused};

// Whoever rolls out a change wants to know that it is one before a node is restarted for it; and
// asking must not change anything.
#[test]
fn a_check_tells_what_the_settings_come_to() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let peers = format!("1={0}:7101,2={0}:7102,3={0}:7103", own_ip());
    let check = |arguments: &[&str]| {
        let mut command = elector(&["node", "--check-config", "--peers", &peers]);
        command.args(arguments).arg("--data-dir").arg(&data);
        command
    };
    let paxos = ["--id", "2", "--algorithm", "paxos"];
    let (code, said) = finished(&mut check(&[&paxos[..], &["--init"]].concat()));
    assert_eq!(code, 0, "{said}");
    for told in [
        "can be used",
        "node       2",
        "paxos, quorum",
        "TLS        off",
        "--init",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(!data.exists());
    // It could not start: there is no record.
    let said = refused(&mut check(&paxos));
    assert!(said.contains("no record"), "{said}");
    assert!(!data.exists());

    for (arguments, told) in [
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
            let said = refused(&mut check(&[arguments, also].concat()));
            assert!(said.contains(told), "{arguments:?} {also:?}: {said}");
        }
    }
}

// A check that says yes to what cannot start is worse than none: the next restart is an outage.
#[test]
fn a_check_rejects_what_would_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let ip = own_ip();
    let said = |peers: &str, arguments: &[&str]| {
        let mut command = elector(&["node", "--id", "1", "--peers", peers, "--data-dir"]);
        finished(command.arg(&data).args(arguments))
    };
    let check = ["--check-config"];
    let good = format!("1={ip}:7101,2={ip}:7102,3={ip}:7103");
    assert_eq!(said(&good, &["--init"]).0, 0);
    assert_eq!(said(&good, &check).0, 0);
    assert_eq!(said(&good, &["--check-config", "--init"]).0, 2);
    for (peers, told) in [
        (
            format!("1={ip}:7101,2={ip}:7102,3={ip}:7102"),
            "the nodes 2 and 3",
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
        let (code, said) = said(&peers, &check);
        assert!(code == 2 && said.contains(told), "{peers}: {said}");
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
    let (code, truncated) = said(&good, &check);
    assert!(code == 2 && truncated.contains("100 bytes"), "{truncated}");
}

// Files of variables come from templates, with empty values, and from other systems, with other
// line ends; and a typing error in a name leaves the default in force.
#[test]
fn variables_are_read_as_they_are_meant() {
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
    let (code, said) = finished(&mut command);
    assert_eq!(code, 0, "{said}");
    for told in [
        "cluster \"billing\"",
        "raft, quorum",
        "TLS        off",
        "ELECTOR_PROFLE",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert!(said.contains("ELECTOR_PROFILE"), "what was meant: {said}");
    assert!(!said.contains("ELECTOR_SERVICE_HOST"), "{said}");
}

// One rule for all settings, or nobody could tell which is in force.
#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
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
    let told = |arguments: &[&str], name: Option<&str>| {
        let mut command = elector(&["node", "--check-config", "--init"]);
        command.args(arguments).env("ELECTOR_CONFIG", &file);
        command.envs(name.map(|name| ("ELECTOR_NAME", name)));
        let (code, said) = finished(&mut command);
        assert_eq!(code, 0, "{said}");
        // Whatever else is set, what only the file says is in force.
        assert!(said.contains("\"heartbeat_ms\":33"), "{said}");
        said
    };
    let file_only = told(&[], None);
    assert!(
        file_only.contains("\"of the file\"") && file_only.contains("paxos"),
        "{file_only}"
    );
    let named = told(&[], Some("of the environment"));
    assert!(
        named.contains("\"of the environment\"") && named.contains("paxos"),
        "{named}"
    );
    let flagged = told(&["--name", "of the flag"], Some("of the environment"));
    assert!(flagged.contains("\"of the flag\""), "{flagged}");
}

// A lease that a command cannot be stopped in protects nothing: better told by a check than by a
// second writer.
#[test]
fn a_check_of_run_looks_at_the_command_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let peers = format!("1={}:7101", own_ip());
    let check = |arguments: &[&str]| {
        let mut command = elector(&["run", "--check-config", "--init", "--id", "1"]);
        command.args(["--peers", &peers, "--data-dir"]);
        command.arg(folder.path()).args(arguments);
        command
    };
    assert_eq!(finished(&mut check(&["--", "true"])).0, 0);
    assert_eq!(
        finished(&mut check(&[])).0,
        0,
        "the command is not needed for that"
    );
    for (arguments, told) in [
        (&["--", "no-such-command"][..], "no-such-command"),
        (&["--", "/etc"], "chmod"),
        (&["--margin-ms", "700", "--", "true"], "shorter than lease"),
        (&["--grace-ms", "20000", "--", "true"], "--leave-ms (15s)"),
    ] {
        let said = refused(&mut check(arguments));
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}
