//! Tests of the script runner with a toy algorithm.

use std::{env, fs, path::PathBuf, process};

use super::{Difference, check, run, toy::Toy};

/// A script with its output: it contains all commands except those of `OBSTACLES`. A person has
/// compared the output with the documentation of the format.
// words: allow, the text of golden files.
const EVERYTHING: &str = r#"# Every command once.

> config {"timing": {"election_max_ms": 200}}
> nodes 1 2 3
> start
n1 started
  timer Campaign 150ms..200ms
n2 started
  timer Campaign 150ms..200ms
n3 started
  timer Campaign 150ms..200ms
> command 1 campaign
n1 commanded campaign
  persist Durable { epoch: e1 }
  timer Campaign cancelled
  timer Own now
  -> n2 Ask(e1)
  -> n3 Ask(e1)
  view epoch 1 leader none role candidate
n1 elapsed Own
> drop 1->3 Ask
dropped n1 -> n3 Ask(e1)
> deliver 1->2
n2 <- n1 Ask(e1)
  persist Durable { epoch: e1 }
  -> n1 Yes(e1)
  view epoch 1 leader none role follower
> duplicate 2->1
copied n2 -> n1 Yes(e1)
> flying
n2 -> n1 Yes(e1)
n2 -> n1 Yes(e1)
> deliver kind Yes
n1 <- n2 Yes(e1)
  view epoch 1 leader n1 role leader
n1 <- n2 Yes(e1)
> deliver all
nothing in flight
> command 1 transfer 3
n1 commanded transfer to n3
  refused: a toy never steps down
> crash 2
n2 crashed
> quiet on
> elapse 3 Camp
n3 elapsed Campaign
  -> n1 Ask(e1)
  -> n2 Ask(e1)
  view epoch 1 leader none role candidate
n3 elapsed Own
> deliver all
n1 <- n3 Ask(e1)
lost n3 -> n2 Ask(e1) (n2 is down)
> views
n1 epoch 1 leader n1 role leader
n2 down
n3 epoch 1 leader none role candidate
> start 2
n2 started
> suspect 2 1
n2 suspects n1
  -> n1 Ask(e2)
  -> n3 Ask(e2)
  view epoch 2 leader none role candidate
n2 elapsed Own
> drop all
dropped n2 -> n1 Ask(e2)
dropped n2 -> n3 Ask(e2)
> prove 2 1
n2 hears that n1 has died
  -> n1 Ask(e3)
  -> n3 Ask(e3)
  view epoch 3 leader none role candidate
n2 elapsed Own
> drop all
dropped n2 -> n1 Ask(e3)
dropped n2 -> n3 Ask(e3)
> hear 2 1
n2 hears n1 again
"#;

/// A script with its output: it contains each command that holds something or cuts a link.
const OBSTACLES: &str = r#"# A held write, a held timer, a cut link.
> nodes 1 2 3
> quiet on
> start
n1 started
n2 started
n3 started
> quiet off
> hold writes 1
> hold timers 1
> cut 1->3
> command 1 campaign
n1 commanded campaign
  persist Durable { epoch: e1 } held
  timer Campaign cancelled
  timer Own now
> flying
nothing in flight
> views
n1 epoch 0 leader none role follower
n2 epoch 0 leader none role follower
n3 epoch 0 leader none role follower
> elapse 1 Own
n1 elapsed Own
> release write 1
n1 persisted Durable { epoch: e1 }
  -> n2 Ask(e1)
  -> n3 Ask(e1)
  view epoch 1 leader none role candidate
lost n1 -> n3 Ask(e1) (the link is cut)
# The hold goes on. The write of the second campaign is lost in the crash, and the epoch with it.
> command 1 campaign
n1 commanded campaign
  persist Durable { epoch: e2 } held
  timer Campaign cancelled
  timer Own now
> crash 1
n1 crashed
  lost write Durable { epoch: e2 }
> start 1
n1 started
  timer Campaign 150ms..300ms
> views
n1 epoch 1 leader none role follower
n2 epoch 0 leader none role follower
n3 epoch 0 leader none role follower
# A message that was in flight before the cut arrives. The answer is lost.
> cut 1<->2
> deliver 1->2 Ask
n2 <- n1 Ask(e1)
  persist Durable { epoch: e1 }
  -> n1 Yes(e1)
  view epoch 1 leader none role follower
lost n2 -> n1 Yes(e1) (the link is cut)
> heal 2->1
> heal all
# Two writes are held. They end in order.
> command 1 campaign
n1 commanded campaign
  persist Durable { epoch: e2 } held
  timer Campaign cancelled
  timer Own now
> command 1 campaign
n1 commanded campaign
  persist Durable { epoch: e3 } held
  timer Campaign cancelled
  timer Own now
> release writes 1
n1 persisted Durable { epoch: e2 }
  -> n2 Ask(e2)
  -> n3 Ask(e2)
  view epoch 2 leader none role candidate
n1 persisted Durable { epoch: e3 }
  -> n2 Ask(e3)
  -> n3 Ask(e3)
  view epoch 3 leader none role candidate
> release timers 1
n1 elapsed Own
> deliver 1->2 Ask
n2 <- n1 Ask(e2)
  persist Durable { epoch: e2 }
  -> n1 Yes(e2)
  view epoch 2 leader none role follower
> command 2 campaign
n2 commanded campaign
  persist Durable { epoch: e3 }
  timer Campaign cancelled
  timer Own now
  -> n1 Ask(e3)
  -> n3 Ask(e3)
  view epoch 3 leader none role candidate
n2 elapsed Own
"#;

// A scenario about a slow disk or a cut link must show exactly which writes, timers and messages
// were held, lost and released.
#[test]
fn what_is_held_or_cut_gives_its_documented_output() {
    assert_eq!(run::<Toy>(OBSTACLES).unwrap(), OBSTACLES);
}

// The golden files of four crates depend on every command and every line of output exactly.
#[test]
fn every_command_gives_its_documented_output() {
    assert_eq!(run::<Toy>(EVERYTHING).unwrap(), EVERYTHING);
}

// The output must come from the run only: old output in the file must not appear in the new output.
#[test]
fn old_output_is_replaced_and_comments_stay() {
    let stale = EVERYTHING.replace("epoch", "apoch");
    assert_ne!(stale, EVERYTHING);
    assert_eq!(run::<Toy>(&stale).unwrap(), EVERYTHING);
}

fn error(commands: &str) -> String {
    run::<Toy>(commands).unwrap_err().to_string()
}

/// Invalid scripts, each with a part of its error.
const INVALID: &[(&str, &str)] = &[
    (
        "> fly",
        "line 1: `fly` is not a command; the commands are config, nodes,",
    ),
    (">views", "a space is missing"),
    ("> start", "line 1: there are no nodes yet"),
    ("> nodes", "write `nodes 1 2 3`"),
    ("> nodes 1 1", "listed twice"),
    ("> nodes 1 x", "`x` is not a node id"),
    ("> config {\"tming\": 1}", "tming"),
    (
        "> config {\"timing\": {\"lease_ms\": 1}}\n> nodes 1",
        "heartbeat",
    ),
    (
        "> nodes 1\n> config {}",
        "line 2: `config` is allowed only once, before `nodes`",
    ),
    ("> nodes 1 2\n> nodes 1 2", "only once"),
    (
        "> nodes 1 2\n> start 3",
        "there is no node 3: the nodes are [n1, n2]",
    ),
    ("> nodes 1\n> start\n> start", "already running"),
    ("> nodes 1\n> start\n> start 1", "n1 is already running"),
    (
        "> nodes 1\n> elapse 1",
        "n1 is down: boot it with `start 1`",
    ),
    ("> nodes 1\n> crash 1", "n1 is down"),
    ("> nodes 1\n> start\n> elapse 1 Own", "pending: Campaign"),
    ("> nodes 1 2\n> deliver 1->2", "in flight: nothing"),
    ("> nodes 1 2\n> deliver 1", "write `deliver 1->2`"),
    ("> nodes 1 2\n> deliver 1->9", "there is no node 9"),
    ("> nodes 1 2\n> duplicate all", "write `duplicate 1->2`"),
    ("> nodes 1\n> views now", "write `views`"),
    ("> nodes 1\n> quiet", "write `quiet on`"),
    (
        "> nodes 1\n> command 1 step-down",
        "write `command 1 campaign`",
    ),
    ("> nodes 1 2\n> suspect 1", "write `suspect 2 1`"),
    ("> nodes 1 2\n> prove 1", "write `prove 2 1`"),
    ("> nodes 1\n> hold 1", "write `hold writes 2`"),
    ("> nodes 1\n> hold writes 9", "there is no node 9"),
    (
        "> nodes 1\n> hold writes 1\n> hold writes 1",
        "the writes of n1 are held already: release them with `release writes 1`",
    ),
    (
        "> nodes 1\n> release timers 1",
        "the timers of n1 are not held: hold them with `hold timers 1`",
    ),
    (
        "> nodes 1\n> hold writes 1\n> release write 1",
        "no write of n1 is held",
    ),
    ("> nodes 1\n> release 1", "write `release write 2`"),
    ("> nodes 1 2\n> cut 1", "write `cut 1->2`"),
    ("> nodes 1 2\n> cut 1->1", "write `cut 1->2`"),
    ("> nodes 1 2\n> cut 1<->9", "there is no node 9"),
    ("> nodes 1 2\n> cut 1<->2\n> cut 2->1", "cut already"),
    ("> nodes 1 2\n> cut 1->2\n> heal 2->1", "not cut"),
    ("> nodes 1 2\n> heal all", "no link is cut"),
    ("> nodes 1 2\n> heal 1", "or `heal all`"),
    ("# nothing\n", "this file has no command"),
];

// A script with an invalid command must never pass.
#[test]
fn invalid_commands_are_rejected_with_a_reason() {
    for (script, part) in INVALID {
        let error = error(script);
        assert!(
            error.contains(part),
            "{script:?} gave {error:?} without {part:?}"
        );
    }
}

// If a command selects a message that is not in flight, the error must list the messages that are
// in flight. Otherwise authors of scripts must guess.
#[test]
fn the_error_for_a_missing_message_lists_the_messages_in_flight() {
    let error = error("> nodes 1 2\n> start\n> command 1 campaign\n> deliver 1->2 Yes\n");
    assert_eq!(
        error,
        "line 4: no such message is in flight; in flight: n1 -> n2 Ask(e1)"
    );
}

// An algorithm that steps itself forever must fail its scenario, and must not hang the test.
#[test]
fn an_endless_step_ends_in_an_error() {
    let error = error("> config {\"restless\": true}\n> nodes 1\n> start\n> command 1 campaign\n");
    assert!(
        error.starts_with("line 4: no end after 10000 steps"),
        "{error}"
    );
}

/// A separate directory for one test. It is removed when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("elector-script-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

// A test without scenarios would always pass and test nothing.
#[test]
fn a_directory_without_scenarios_fails() {
    let dir = Scratch::new("empty");
    dir.write("readme.md", EVERYTHING);
    assert!(
        check::<Toy>(&dir.0, Difference::Fails)
            .unwrap_err()
            .contains("no *.txt")
    );
    let missing = dir.0.join("missing");
    assert!(
        check::<Toy>(&missing, Difference::Rewrites)
            .unwrap_err()
            .contains("cannot read")
    );
}

// The error must show where the output and the file differ, and how to accept the new output.
#[test]
fn the_error_for_a_difference_shows_its_place_and_how_to_accept_it() {
    let dir = Scratch::new("differs");
    dir.write("a.txt", EVERYTHING);
    assert_eq!(check::<Toy>(&dir.0, Difference::Fails), Ok(()));
    dir.write(
        "b.txt",
        &EVERYTHING.replace("  -> n1 Yes(e1)", "  -> n1 No(e1)"),
    );
    let error = check::<Toy>(&dir.0, Difference::Fails).unwrap_err();
    for part in [
        "b.txt:26: the run differs",
        "       n2 <- n1 Ask(e1)\n",
        "\nfile |   -> n1 No(e1)\n",
        "\nrun  |   -> n1 Yes(e1)\n",
        "ELECTOR_REWRITE=1 cargo test -p elector-sim scenarios",
    ] {
        assert!(error.contains(part), "{error}\ndoes not contain\n{part}");
    }
    assert!(!error.contains("a.txt"));
}

// Rewriting must make the comparison pass, and must not hide a script that cannot run.
#[test]
fn rewriting_adds_the_output() {
    let dir = Scratch::new("rewrite");
    let path = dir.write("a.txt", "# Alone.\n> nodes 1\n> start\n> elapse 1\n");
    assert_eq!(check::<Toy>(&dir.0, Difference::Rewrites), Ok(()));
    assert_eq!(check::<Toy>(&dir.0, Difference::Fails), Ok(()));
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.ends_with("n1 elapsed Own\n  view epoch 1 leader n1 role leader\n"),
        "{text}"
    );
    dir.write("b.txt", "> dance\n");
    let error = check::<Toy>(&dir.0, Difference::Rewrites).unwrap_err();
    assert!(
        error.contains("b.txt:1: `dance` is not a command"),
        "{error}"
    );
}
