//! Golden scenarios: a text file that tells a story of a few nodes, and is its own expected result.
//!
//! There is no clock here. Messages wait in flight and timers stay pending until a command of the
//! script delivers or fires them, so a file can spell out the exact interleaving that a paper's
//! sentence is about. Each node runs behind a [`Driver`](elector_core::Driver) and a
//! [`Gate`](elector_core::Gate), with a disk on which every write is durable at once. Stamps
//! ([`Moment`](elector_core::Moment)) count the steps of the script.
//!
//! A test is one line; it runs every `*.txt` of a directory:
//!
//! ```text
//! #[test]
//! fn scenarios() {
//!     let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
//!     elector_sim::script::check_dir::<Raft>(dir);
//! }
//! ```
//!
//! With `ELECTOR_REWRITE=1` in the environment the files are rewritten instead of compared: write
//! the commands by hand, let the run fill in the output, *read it*, and commit it.
//!
//! # The format
//!
//! A line that starts with `#` is a comment and a line that starts with `> ` is a command; these
//! and empty lines are kept. All other lines are output, and belong to the command above them.
//!
//! - `config {"timing": {"heartbeat_ms": 10}}`: the algorithm's configuration as JSON; what is left
//!   out has its default. At most once, before `nodes`.
//! - `nodes 1 2 3`: who takes part. Once, before anything below.
//! - `start`, `start 1 2`: boots all nodes that are down, or these. A crashed one comes back with
//!   its durable state.
//! - `elapse 1 Election`: fires the pending timer of node 1 whose `Debug` text is, or else starts
//!   with, `Election`; without a name, the only pending one.
//! - `deliver 1->2`, `deliver 1->2 Vote`: the oldest message in flight from 1 to 2, of this kind.
//! - `deliver kind Vote`: every message of this kind that is in flight now, in send order.
//! - `deliver all`: everything in flight in send order, and what that causes, until nothing is
//!   left.
//! - `drop 1->2`, `drop 1->2 Vote`, `drop kind Vote`, `drop all`: the same choice, lost.
//! - `duplicate 1->2`, `duplicate 1->2 Vote`: puts a copy of the oldest such message in flight,
//!   behind all others.
//! - `crash 3`: node 3 forgets all but its durable state. What is delivered to it while it is down
//!   is lost.
//! - `suspect 2 1`: the host of node 2 suspects that peer 1 is gone.
//! - `prove 2 1`: the host of node 2 has a proof that peer 1 has died.
//! - `hear 2 1`: the host of node 2 hears peer 1 again.
//! - `command 1 campaign`, `command 1 resign`, `command 1 transfer 3`: the application asks node 1
//!   for something.
//! - `views`: prints the view of every node.
//! - `flying`: lists what is in flight, in send order.
//! - `quiet on`, `quiet off`: leaves out the `persist` and `timer` lines from here on.
//!
//! A timer with a delay of zero fires by itself, as a step of its own, right after the step that
//! set it. A command that cannot be carried out is an error, as is one that takes over 10,000
//! steps.
//!
//! # The output
//!
//! A step is a header and, indented below it, what it changed and ordered, in the order in which a
//! host carries it out:
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
//! The other headers are `n1 started`, `n1 elapsed Vigil`, `n1 suspects n2`,
//! `n1 hears that n2 has died`, `n1 hears n2 again` and `n1 commanded campaign`; a refused command
//! shows `refused: ` and the reason. What happens to messages and nodes without a step has
//! lines of its own: `dropped n1 -> n2 ...`, `copied n1 -> n2 ...`, `lost n1 -> n2 ... (n2 is
//! down)`, `n3 crashed`.

mod actor;
mod command;
mod diff;
mod flight;
mod stage;
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

use command::Order;
use stage::Stage;

/// A script that cannot be run, or an algorithm that broke its contract in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct ScriptError {
    /// The line of the command, from 1.
    pub line: usize,
    /// What is wrong, and what is allowed instead.
    pub problem: String,
}

/// Runs a script and returns it with its output made anew.
///
/// # Errors
/// The first command that is unknown or cannot be carried out, and any
/// [`ContractViolation`](elector_core::ContractViolation).
pub fn run<A: ElectionAlgorithm>(text: &str) -> Result<String, ScriptError> {
    let mut stage = Stage::<A>::new();
    let mut commands = 0_usize;
    for (index, line) in text.lines().enumerate() {
        let at = |problem| ScriptError {
            line: index + 1,
            problem,
        };
        if let Some(command) = line.strip_prefix('>') {
            stage.note(line);
            let order = Order::parse(command).map_err(at)?;
            stage.obey(&order).map_err(at)?;
            commands += 1;
        } else if line.starts_with('#') || line.is_empty() {
            stage.note(line);
        }
    }
    if commands == 0 {
        return Err(ScriptError {
            line: 1,
            problem: "there is no command in this file: a command is a line that starts with `> `"
                .into(),
        });
    }
    Ok(stage.into_output())
}

/// Runs every `*.txt` in `dir` and compares each with itself; with `ELECTOR_REWRITE=1` in the
/// environment, rewrites those that differ.
///
/// # Panics
/// If a script cannot be run or gives another output than the file holds, with the first
/// difference of each; and if there is no script in `dir`, since such a test could not fail.
pub fn check_dir<A: ElectionAlgorithm>(dir: &str) {
    let difference = match std::env::var("ELECTOR_REWRITE") {
        Ok(value) if value == "1" => Difference::Rewrites,
        _ => Difference::Fails,
    };
    if let Err(complaint) = check::<A>(Path::new(dir), difference) {
        panic!("{complaint}");
    }
}

/// What a difference between a file and its run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// It fails the test.
    Fails,
    /// It rewrites the file.
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
        "{name}:{difference}\nIf the new output is right: \
         ELECTOR_REWRITE=1 cargo test -p {package} --test scenarios"
    ))
}
