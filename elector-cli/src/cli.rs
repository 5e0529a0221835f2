use std::process::ExitCode;

use clap::Parser;
use elector_bully::Bully;
use elector_core::{Comparable, quorum::Reseat};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;

use crate::{
    args::{Arguments, Command},
    family::Family,
    listing, output, usage,
};

/// The command `elector`, for a list of algorithms.
#[derive(Debug)]
pub struct Cli {
    pub(crate) families: Vec<Family>,
    /// The words with which a shell starts this program, for example `elector` or
    /// `cargo run --release --`.
    pub(crate) program: String,
}

impl Default for Cli {
    fn default() -> Self {
        Self::new()
    }
}

impl Cli {
    /// Creates the command without algorithms. Add at least one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            families: Vec::new(),
            program: "cargo run --release --".to_owned(),
        }
    }

    /// Creates the command with the algorithms of this workspace. The algorithms with the strongest
    /// guarantee come first.
    #[must_use]
    pub fn standard() -> Self {
        Self::new()
            .with_members::<Raft>()
            .with_members::<Paxos>()
            .with::<Bully>()
            .with::<Ring>()
    }

    /// Adds an algorithm with all its variants at the end of the list, and removes an earlier
    /// algorithm with the same name from the list. A node runs the first algorithm of the list,
    /// unless its settings name another algorithm. The members of a cluster that runs the algorithm
    /// are fixed.
    #[must_use]
    pub fn with<A: Comparable>(self) -> Self {
        self.with_family(Family::of::<A>())
    }

    /// Adds an algorithm as [`with`](Self::with) does, but the members of a cluster that runs the
    /// algorithm can change while its nodes run. The scenarios that change the members are
    /// simulated with the algorithm, too.
    #[must_use]
    pub fn with_members<A: Comparable + Reseat>(self) -> Self {
        self.with_family(Family::with_members::<A>())
    }

    fn with_family(mut self, family: Family) -> Self {
        self.families.retain(|known| known.name != family.name);
        self.families.push(family);
        self
    }

    /// Sets the words with which a shell starts this program. The default is
    /// `cargo run --release --`. The commands that a report prints to repeat a run begin with these
    /// words.
    #[must_use]
    pub fn started_by(mut self, command: impl Into<String>) -> Self {
        self.program = command.into();
        self
    }

    /// Runs the command with the arguments of this process, and returns its exit code.
    ///
    /// Call this method first in `main`, before any thread is started, and do not read the
    /// arguments in other code. This program starts itself again in three cases. Each new process
    /// also begins in `main`, may have other arguments, and must reach this call:
    ///
    /// - `elector run` starts this program as the guardian, which is the process that kills the
    ///   command on the leader before the leader's lease ends.
    /// - A node that is the first process of a container starts this program as a child.
    /// - If a variable `ELECTOR_…` is empty or ends in a carriage return, each subcommand restarts
    ///   this program with corrected variables.
    #[must_use]
    pub fn main(self) -> ExitCode {
        #[cfg(all(feature = "node", target_os = "linux"))]
        if let Some(code) = crate::run::entry() {
            return code;
        }
        #[cfg(all(feature = "node", unix))]
        if let Err(error) = crate::environment::clean() {
            return output::failed(&format_args!(
                "cannot restart this program without the empty ELECTOR_ variables: {error}. \
                 Unset them, and remove carriage returns from the others"
            ));
        }
        let arguments = match Arguments::try_parse() {
            Ok(arguments) => arguments,
            Err(error) => return usage::wrong(&error),
        };
        match arguments.command {
            #[cfg(feature = "lab")]
            Command::Lab(command) => crate::lab::run(&self, command),
            #[cfg(all(feature = "node", target_os = "linux"))]
            Command::Node(command) => crate::node::run(&self.families, command),
            Command::Algorithms => printed(&listing::algorithms(&self.families)),
            #[cfg(feature = "node")]
            Command::Client(command) => crate::client::run(command),
            Command::Completions(completions) => printed(&completions.script(&self.families)),
            Command::Man(man) => match man.write(&self.families) {
                Ok(message) => printed(&message),
                Err(error) => output::failed(&error),
            },
        }
    }
}

/// Prints `text`, which is the whole output of a subcommand, and returns the exit code.
fn printed(text: &str) -> ExitCode {
    match output::print(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failed(&error),
    }
}
