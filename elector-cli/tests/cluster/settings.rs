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
    let (code, said) = finished(&mut check(&["--id", "2", "--algorithm", "paxos"]));
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

    for (arguments, told) in [
        (&["--id", "4"][..], "own id 4 is not in the list"),
        (&[], "--id is missing"),
        (&["--id", "1", "--algorithm", "raft/plan"], "plain"),
        (&["--id", "1", "--tls-dir", "/nowhere"], "/nowhere"),
        (&["--id", "1", "--config", "/nowhere.toml"], "/nowhere.toml"),
        (&["--id", "one"], "whole number"),
        (&["--id", "1", "--log", "=="], "--log"),
        (&["--id", "1", "--token-file", "/nowhere"], "/nowhere"),
    ] {
        let said = refused(&mut check(arguments));
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
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
        let mut command = elector(&["node", "--check-config"]);
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
        let mut command = elector(&["run", "--check-config", "--id", "1", "--peers", &peers]);
        command.arg("--data-dir").arg(folder.path()).args(arguments);
        command
    };
    assert_eq!(finished(&mut check(&["--", "true"])).0, 0);
    for (arguments, told) in [
        (&["--", "no-such-command"][..], "no-such-command"),
        (&["--", "/etc"], "chmod"),
        (&["--margin-ms", "700", "--", "true"], "shorter than lease"),
        (&[], "COMMAND"),
    ] {
        let said = refused(&mut check(arguments));
        assert!(said.contains(told), "{arguments:?}: {said}");
    }
}
