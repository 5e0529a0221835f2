use std::path::PathBuf;

use elector_sim::Shard;
use thiserror::Error;

use crate::lab::build::Build;

/// The maximum number of missing shards (parts of a comparison) whose numbers an error lists.
const MAX_NAMED: usize = 20;

/// Why the folders of shards cannot be merged into one comparison. A shard is one of several parts
/// of a comparison, which one machine has run.
#[derive(Debug, Error)]
pub(crate) enum MergeError {
    /// A folder has a whole comparison, and not a shard (one of several parts) of it.
    #[error(
        "{} is not a shard: name folders that `elector compare --shard` wrote",
        .0.display()
    )]
    NoShard(PathBuf),
    /// Two folders have shards (parts) of different comparisons.
    #[error(
        "{} and {} are not shards of one comparison: `{what}` differs in their manifest.json. Run \
         all shards with the same program and the same options",
        folders[0].display(),
        folders[1].display()
    )]
    Different {
        /// The name of the setting that differs.
        what: &'static str,
        /// The folders of the two shards.
        folders: [PathBuf; 2],
    },
    /// The shards (parts of the comparison) were run by another build of elector than this program:
    /// the commit, the compiler, the target or the profile is different.
    #[error(
        "{} was run by another program: {}, {}, {}, {}. This one is: {}, {}, {}, {}. Merge with \
         the program that ran the shards",
        folder.display(),
        build.source(), build.rustc, build.target, build.profile,
        Build::of_this_program().source(), Build::of_this_program().rustc,
        Build::of_this_program().target, Build::of_this_program().profile
    )]
    OtherProgram {
        /// The folder of one of these shards (parts of the comparison).
        folder: PathBuf,
        /// The build of the program that has run the shard.
        build: Box<Build>,
    },
    /// Two folders have the shard (part of the comparison) with the same number.
    #[error(
        "{} and {} are both shard {shard}: name each shard once",
        folders[0].display(),
        folders[1].display()
    )]
    Twice {
        /// The number of this shard (part of the comparison), and the number of all shards.
        shard: Shard,
        /// The two folders that have this shard.
        folders: [PathBuf; 2],
    },
    /// The user gave no folder for some shards of the comparison.
    #[error(
        "shards are missing: {} of {count}. Run them, and name all folders",
        missing(present, *count)
    )]
    Missing {
        /// The numbers of the shards (parts of the comparison) that were given.
        present: Vec<u64>,
        /// The number of all shards of the comparison.
        count: u64,
    },
    /// The shards together do not have each run of one variant in one scenario with one cluster
    /// size exactly once.
    #[error(
        "the shards do not have each run of {algorithm} in {scenario} with {nodes} nodes exactly \
         once: run all shards again with the same program"
    )]
    Incomplete {
        /// The variant, for example `raft/plain`.
        algorithm: String,
        /// The name of the scenario.
        scenario: String,
        /// The cluster size: the number of nodes.
        nodes: u64,
    },
    /// The output folder is the folder of one of the shards to merge. The manifest of the whole
    /// comparison would overwrite the manifest of this shard.
    #[error("{} is the folder of a shard: choose another folder for --out", .0.display())]
    OutIsShard(PathBuf),
}

/// Lists the numbers from 1 to `count` that are not present.
fn missing(present: &[u64], count: u64) -> String {
    let mut missing = (1..=count).filter(|number| present.binary_search(number).is_err());
    let named = missing.by_ref().take(MAX_NAMED).map(|it| it.to_string());
    let named = named.collect::<Vec<_>>().join(", ");
    if missing.next().is_some() {
        format!("{named} and more")
    } else {
        named
    }
}
