//! Golden scenarios: text files with commands for a few nodes. Each file also holds the expected
//! output.
//!
//! There is no clock. Messages wait in flight and timers stay pending until a command of the script
//! delivers or fires them. So a file can describe exactly the order of events that a sentence of a
//! paper is about. Each node runs behind a [`Driver`](elector_core::Driver) and a
//! [`Gate`](elector_core::Gate), with a disk on which every write is durable immediately, unless
//! the script holds the write. Timestamps ([`Moment`](elector_core::Moment)) count the steps of the
//! script.
//!
//! A test is one call. It runs every `*.txt` file of a directory:
//!
//! ```text
//! #[test]
//! fn scenarios() {
//!     let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
//!     elector_sim::script::check_dir::<Raft>(dir);
//! }
//! ```
//!
//! With `ELECTOR_REWRITE=1` in the environment, the files are rewritten instead of compared. Write
//! the commands by hand, let the run add the output, *read it*, and commit it.
//!
//! # The format
//!
//! A line that starts with `#` is a comment. A line that starts with `> ` is a command. Comments,
//! commands and empty lines are kept. All other lines are output and belong to the command above
//! them.
//!
//! - `config {"timing": {"heartbeat_ms": 10}}`: the algorithm's configuration as JSON. Omitted
//!   values have their defaults. Allowed at most once, before `nodes`.
//! - `nodes 1 2 3`: the members of the cluster. Required once, before all commands below.
//! - `start`, `start 1 2`: boots all nodes that are down, or these nodes. A crashed node restarts
//!   with its durable state.
//! - `elapse 1 Election`: fires the pending timer of node 1 whose `Debug` text is `Election`. If no
//!   text is equal, it fires the timer whose text starts with `Election`. Without a name, this
//!   command fires the only pending timer.
//! - `deliver 1->2`, `deliver 1->2 Vote`: delivers the oldest message in flight from 1 to 2, of
//!   this kind if a kind is given.
//! - `deliver kind Vote`: delivers every message of this kind that is in flight now, in send order.
//! - `deliver all`: delivers all messages in flight in send order, and the messages that are sent
//!   in response, until none is left.
//! - `drop 1->2`, `drop 1->2 Vote`, `drop kind Vote`, `drop all`: selects messages in the same way
//!   as `deliver`, and loses them.
//! - `duplicate 1->2`, `duplicate 1->2 Vote`: puts a copy of the oldest message from 1 to 2 (of
//!   this kind) in flight, behind all other messages.
//! - `crash 3`: node 3 loses everything except its durable state. A message that is delivered to it
//!   while it is down is lost.
//! - `suspect 2 1`: the host of node 2 suspects that the connection to peer 1 broke.
//! - `prove 2 1`: the host of node 2 has a proof that peer 1 has died.
//! - `hear 2 1`: the host of node 2 receives messages from peer 1 again.
//! - `command 1 campaign`, `command 1 resign`, `command 1 transfer 3`: the application gives a
//!   command to node 1.
//! - `hold writes 1`: from now on the writes of node 1 do not end. So everything that depends on
//!   these writes stays invisible: messages, the view, a refusal.
//! - `release write 1`: ends the oldest held write of node 1. `release writes 1`: ends all held
//!   writes, in order, and ends the hold. If node 1 crashes, its held writes are lost, and the hold
//!   goes on.
//! - `hold timers 1`: from now on a timer of node 1 with a delay of zero waits, like any other
//!   timer, until `elapse` fires it. `release timers 1`: fires all timers of node 1 with a delay of
//!   zero, and ends the hold.
//! - `cut 1->2`, `cut 1<->2`: from now on, messages from 1 to 2, or in both directions, are lost
//!   when they are sent. Messages that are already in flight still arrive.
//! - `heal 1->2`, `heal 1<->2`, `heal all`: ends cuts.
//! - `views`: prints the view of every node.
//! - `flying`: lists the messages in flight, in send order.
//! - `quiet on`, `quiet off`: omits the `persist` and `timer` lines from here on, or prints them
//!   again.
//!
//! A timer with a delay of zero fires by itself, as a separate step, right after the step that set
//! it, unless the timers of the node are held. A command that cannot be carried out is an error,
//! and so is a command that takes more than 10,000 steps.
//!
//! # The output
//!
//! A step is printed as a header and, indented below it, the changes and requests of the step, in
//! the order in which a host carries them out:
//!
//! ```text
//! > deliver 2->1
//! n1 <- n2 RequestVote { term: e1 }
//!   persist Durable { term: e1, vote: n2 }
//!   timer Vigil 150ms
//!   timer Campaign cancelled
//!   -> n2 Vote { term: e1, granted: true }
//!   view epoch 1 leader none role follower
//! ```
//!
//! The other headers are:
//!
//! - `n1 started`
//! - `n1 elapsed Vigil`
//! - `n1 suspects n2`
//! - `n1 hears that n2 has died`
//! - `n1 hears n2 again`
//! - `n1 commanded campaign`
//! - `n1 persisted Durable { term: e1, vote: n2 }`, when a held write ends
//!
//! A write that is held is printed as `persist Durable { term: e1, vote: n2 } held`.
//!
//! A refused command prints `refused: ` and the reason. Events of messages and nodes that are not
//! steps have their own lines:
//!
//! - `dropped n1 -> n2 ...`
//! - `copied n1 -> n2 ...`
//! - `lost n1 -> n2 ... (n2 is down)`
//! - `lost n1 -> n2 ... (the link is cut)`
//! - `n3 crashed`, and below it `lost write ...` for each held write

mod command;
mod diff;
mod flight;
mod host;
mod node;
mod obstacles;
mod steps;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod toy;

use std::{
    fs,
    path::{Path, PathBuf},
};

use elector_core::ElectionAlgorithm;
use thiserror::Error;

use command::Instruction;
use host::ScriptHost;

/// Why a script stopped: a command cannot be carried out, or the algorithm violates its contract.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct ScriptError {
    /// The line of the command, from 1.
    pub line: usize,
    /// What is wrong, and what is allowed instead.
    pub problem: String,
}

/// Runs a script. Returns the script with its new output.
///
/// # Errors
/// Returns an error for the first command that is unknown or cannot be carried out, and for any
/// [`ContractViolation`](elector_core::ContractViolation).
pub fn run<A: ElectionAlgorithm>(text: &str) -> Result<String, ScriptError> {
    let mut host = ScriptHost::<A>::new();
    let mut commands = 0_usize;
    for (index, line) in text.lines().enumerate() {
        let at = |problem| ScriptError {
            line: index + 1,
            problem,
        };
        if let Some(command) = line.strip_prefix('>') {
            host.note(line);
            let instruction = Instruction::parse(command).map_err(at)?;
            host.execute(&instruction).map_err(at)?;
            commands += 1;
        } else if line.starts_with('#') || line.is_empty() {
            host.note(line);
        }
    }
    if commands == 0 {
        return Err(ScriptError {
            line: 1,
            problem: "this file has no command: a command is a line that starts with `> `".into(),
        });
    }
    Ok(host.into_output())
}

/// Runs every `*.txt` file in `dir` and compares its output with the file. With `ELECTOR_REWRITE=1`
/// in the environment, rewrites the files that differ.
///
/// # Panics
/// Panics with the first difference of each file if a script cannot run or if its output differs
/// from the file. Also panics if there is no script in `dir`, because such a test could not fail.
pub fn check_dir<A: ElectionAlgorithm>(dir: &str) {
    let difference = match std::env::var("ELECTOR_REWRITE") {
        Ok(value) if value == "1" => Difference::Rewrites,
        _ => Difference::Fails,
    };
    if let Err(complaint) = check::<A>(Path::new(dir), difference) {
        panic!("{complaint}");
    }
}

/// The effect of a difference between a file and its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// A difference fails the test.
    Fails,
    /// A file with a difference is rewritten.
    Rewrites,
}

fn check<A: ElectionAlgorithm>(dir: &Path, difference: Difference) -> Result<(), String> {
    let complaints: Vec<String> = scripts(dir)?
        .iter()
        .filter_map(|path| check_file::<A>(path, difference).err())
        .collect();
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n\n"))
    }
}

fn scripts(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |error| format!("cannot read the directory {}: {error}", dir.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(format!("there is no *.txt scenario in {}", dir.display()));
    }
    paths.sort_unstable();
    Ok(paths)
}

fn check_file<A: ElectionAlgorithm>(path: &Path, then: Difference) -> Result<(), String> {
    let name = path.display();
    let expected = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let actual =
        run::<A>(&expected).map_err(|error| format!("{name}:{}: {}", error.line, error.problem))?;
    let Some(difference) = diff::first(&expected, &actual) else {
        return Ok(());
    };
    if then == Difference::Rewrites {
        return fs::write(path, actual).map_err(|error| format!("{name}: {error}"));
    }
    let package = std::env::var("CARGO_PKG_NAME")
        .unwrap_or_else(|_| format!("elector-{algorithm}", algorithm = A::NAME));
    Err(format!(
        "{name}:{difference}\nIf the new output is right, run: \
         ELECTOR_REWRITE=1 cargo test -p {package} scenarios"
    ))
}
