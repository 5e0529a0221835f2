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

/// The `elector` command, for a list of algorithms.
#[derive(Debug)]
pub struct Cli {
    pub(crate) families: Vec<Family>,
    /// The beginning of a command line that starts this program in a shell.
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
    /// algorithm with the same name. A node runs the first algorithm of the list, unless its
    /// settings name another algorithm. The members of a cluster of nodes are fixed.
    #[must_use]
    pub fn with<A: Comparable>(self) -> Self {
        self.with_family(Family::of::<A>())
    }

    /// Does the same as [`with`](Self::with) for an algorithm whose members can change: they can
    /// change while the nodes of a cluster run, and in the scenarios that change the members.
    #[must_use]
    pub fn with_members<A: Comparable + Reseat>(self) -> Self {
        self.with_family(Family::with_members::<A>())
    }

    fn with_family(mut self, family: Family) -> Self {
        self.families.retain(|known| known.name != family.name);
        self.families.push(family);
        self
    }

    /// Sets the beginning of a command line that starts this program in a shell. The default is
    /// `cargo run --release --`. The commands that a report prints to repeat a run begin with this
    /// text.
    #[must_use]
    pub fn started_by(mut self, command: impl Into<String>) -> Self {
        self.program = command.into();
        self
    }

    /// Runs the command with the arguments of this process, and returns its exit code.
    ///
    /// Call this method first in `main`, before any thread is started, and let nothing else read
    /// the arguments. `elector run` starts this program again as the guardian of its command. A
    /// node that is the first process of a container starts this program again as a child. Each
    /// subcommand restarts this program if environment variables must be cleaned. Each of these
    /// processes also begins in `main`, and must reach this call.
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

/// Prints the output of a subcommand that does nothing else, and returns its exit code.
fn printed(text: &str) -> ExitCode {
    match output::print(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failed(&error),
    }
}
