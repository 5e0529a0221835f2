use std::{fs, os::unix::fs::PermissionsExt};

use elector_cli::run::{CommandHandle, EndReason, Exit, Options, RunError};
use elector_core::NodeId;

use crate::{Folder, WITHOUT_LEASE, parameters, script, spawn, within};

// A command must find its parameters in its environment, and no values of an earlier start.
#[tokio::test]
async fn the_parameters_are_in_the_environment() {
    let folder = Folder::new();
    let mut handle = spawn(&script(
        "env > $0.new; mv $0.new $0; exit 3",
        &folder.path("env"),
    ))
    .await;
    let mut seen = Vec::new();
    for parameters in [parameters(60_000), WITHOUT_LEASE] {
        within(handle.ready()).await.unwrap();
        handle.start(&parameters).unwrap();
        let end = within(handle.exited()).await.unwrap();
        assert_eq!((end.exit, end.reason), (Exit::Code(3), EndReason::Exited));
        let env = folder.read("env");
        let ours = env.lines().filter(|line| line.starts_with("ELECTOR_"));
        let mut ours: Vec<String> = ours.map(str::to_owned).collect();
        ours.sort();
        assert!(env.contains("PATH="), "the rest is inherited: {env}");
        seen.push(ours);
    }
    let with_token = [
        "ELECTOR_EPOCH=7",
        "ELECTOR_FENCING_TOKEN=114688",
        "ELECTOR_NODE=3",
    ];
    let without = ["ELECTOR_EPOCH=8", "ELECTOR_NODE=3"];
    assert_eq!(seen, [with_token.to_vec(), without.to_vec()]);
}

// A mistyped command must be an error when the node is started, and not when the node first leads.
#[tokio::test]
async fn a_missing_command_is_named() {
    let options = Options::new(NodeId(1), ["no-such-command", "x"]);
    let error = within(CommandHandle::spawn(&options)).await.unwrap_err();
    assert!(matches!(&error, RunError::NotFound(name) if name == "no-such-command"));
    assert!(error.to_string().contains("\"no-such-command\""));
}

// If the file of the command is removed while the node runs, the node must not fail: the command
// ends with the exit code that shells use for a missing command. The file may exist again at the
// next start.
#[tokio::test]
async fn a_command_that_was_removed_ends_at_once() {
    let folder = Folder::new();
    let path = folder.path("command");
    fs::write(&path, "#!/bin/sh\nexit 9\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut options = script("", &path);
    options.command = vec![path.clone().into()];
    let mut handle = spawn(&options).await;
    let content = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    handle.start(&parameters(60_000)).unwrap();
    let end = within(handle.exited()).await.unwrap();
    assert!(matches!(end.exit, Exit::NotStarted(_)), "{end}");
    assert_eq!((end.exit.code(), end.reason), (127, EndReason::Exited));

    fs::write(&path, content).unwrap();
    within(handle.ready()).await.unwrap();
    handle.start(&parameters(60_000)).unwrap();
    assert!(
        within(handle.exited()).await.unwrap().exit.code() == 126,
        "not executable"
    );
}

// If so little of the lease is left that the guardian would stop the command at once, the command
// must not be started: it could begin to write.
#[tokio::test]
async fn no_command_is_started_at_the_end_of_a_lease() {
    let folder = Folder::new();
    let mut handle = spawn(&script("echo > $0", &folder.path("ran"))).await;
    handle.start(&parameters(899)).unwrap();
    let end = within(handle.exited()).await.unwrap();
    // Two ends are possible: the shim, the process that waits to become the command, notices that
    // it is too late, or the guardian stops the shim before the shim notices this.
    assert!(
        matches!(end.exit, Exit::TooLate | Exit::Signal(15)),
        "{end}"
    );
    assert_eq!(end.reason, EndReason::Deadline);
    within(handle.ready()).await.unwrap();
    assert!(!folder.path("ran").exists());
}

// Two commands at the same time would act like two leaders on one node.
#[tokio::test]
async fn a_command_that_runs_cannot_be_started_again() {
    let folder = Folder::new();
    let mut handle = spawn(&script("sleep 1000", &folder.path("x"))).await;
    handle.start(&parameters(60_000)).unwrap();
    assert!(matches!(
        handle.start(&parameters(60_000)),
        Err(RunError::NotReady)
    ));
    within(handle.shutdown()).await.unwrap();
}
