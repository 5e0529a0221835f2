use std::{fs, os::unix::fs::PermissionsExt};

use elector_cli::run::{Exit, Guard, Options, RunError, Why};
use elector_core::NodeId;

use crate::{Folder, WITHOUT_LEASE, guard, script, tenure, within};

// A command finds its tenure in its environment, and nothing that is not so.
#[tokio::test]
async fn the_tenure_is_in_the_environment() {
    let folder = Folder::new();
    let mut guard = guard(&script(
        "env > $0.new; mv $0.new $0; exit 3",
        &folder.path("env"),
    ))
    .await;
    let mut seen = Vec::new();
    for tenure in [tenure(60_000), WITHOUT_LEASE] {
        within(guard.ready()).await.unwrap();
        guard.start(&tenure).unwrap();
        let ended = within(guard.exited()).await.unwrap();
        assert_eq!((ended.exit, ended.why), (Exit::Code(3), Why::Itself));
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

// A person who mistyped must hear of it at once, and not when the node first leads.
#[tokio::test]
async fn a_command_that_is_not_there_is_named() {
    let options = Options::new(NodeId(1), ["no-such-command", "x"]);
    let error = within(Guard::spawn(&options)).await.unwrap_err();
    assert!(matches!(&error, RunError::NotFound(name) if name == "no-such-command"));
    assert!(error.to_string().contains("\"no-such-command\""));
}

// One that goes later is no failure of the node: it is a command that ends, with the code that
// shells give to that, and may be back the next time.
#[tokio::test]
async fn a_command_that_went_ends_at_once() {
    let folder = Folder::new();
    let path = folder.path("command");
    fs::write(&path, "#!/bin/sh\nexit 9\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let mut options = script("", &path);
    options.command = vec![path.clone().into()];
    let mut guard = guard(&options).await;
    let there = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    guard.start(&tenure(60_000)).unwrap();
    let ended = within(guard.exited()).await.unwrap();
    assert!(matches!(ended.exit, Exit::NotStarted(_)), "{ended}");
    assert_eq!((ended.exit.code(), ended.why), (127, Why::Itself));

    fs::write(&path, there).unwrap();
    within(guard.ready()).await.unwrap();
    guard.start(&tenure(60_000)).unwrap();
    assert!(
        within(guard.exited()).await.unwrap().exit.code() == 126,
        "not executable"
    );
}

// What would have to be stopped at once must not begin to write.
#[tokio::test]
async fn nothing_is_started_at_the_end_of_a_lease() {
    let folder = Folder::new();
    let mut guard = guard(&script("echo > $0", &folder.path("ran"))).await;
    guard.start(&tenure(899)).unwrap();
    let ended = within(guard.exited()).await.unwrap();
    // Either the process itself sees that, or the guardian is quicker.
    assert!(
        matches!(ended.exit, Exit::TooLate | Exit::Signal(15)),
        "{ended}"
    );
    assert_eq!(ended.why, Why::Deadline);
    within(guard.ready()).await.unwrap();
    assert!(!folder.path("ran").exists());
}

// Two at once would be two leaders on one node.
#[tokio::test]
async fn there_is_one_at_a_time() {
    let folder = Folder::new();
    let mut guard = guard(&script("sleep 1000", &folder.path("x"))).await;
    guard.start(&tenure(60_000)).unwrap();
    assert!(matches!(guard.start(&tenure(60_000)), Err(RunError::Busy)));
    within(guard.shutdown()).await.unwrap();
}
