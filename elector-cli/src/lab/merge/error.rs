use std::path::PathBuf;

use elector_sim::Shard;
use thiserror::Error;

use crate::lab::build::Build;

/// The maximum number of missing shards that an error lists.
const MAX_NAMED: usize = 20;

/// Why folders cannot be merged.
#[derive(Debug, Error)]
pub(crate) enum MergeError {
    /// A folder has a whole comparison, and not a shard.
    #[error(
        "{} is not a shard: name folders that `elector compare --shard` wrote",
        .0.display()
    )]
    NoShard(PathBuf),
    /// Two shards are not of one comparison.
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
    /// Another program than this one has run the shards.
    #[error(
        "{} was run by another program: {}, {}, {}, {}. This one is: {}, {}, {}, {}. Merge with \
         the program that ran the shards",
        folder.display(),
        build.source(), build.rustc, build.target, build.profile,
        Build::of_this_program().source(), Build::of_this_program().rustc,
        Build::of_this_program().target, Build::of_this_program().profile
    )]
    OtherProgram {
        /// The folder of a shard.
        folder: PathBuf,
        /// The build of the program that has run the shard.
        build: Box<Build>,
    },
    /// Two folders have the same shard.
    #[error(
        "{} and {} are both shard {shard}: name each shard once",
        folders[0].display(),
        folders[1].display()
    )]
    Twice {
        /// The shard.
        shard: Shard,
        /// The two folders.
        folders: [PathBuf; 2],
    },
    /// No folder was given for some shards.
    #[error(
        "shards are missing: {} of {count}. Run them, and name all folders",
        missing(present, *count)
    )]
    Missing {
        /// The numbers of the shards that were given.
        present: Vec<u64>,
        /// The number of all shards.
        count: u64,
    },
    /// The shards do not have each run of a cell exactly once.
    #[error(
        "the shards do not have each run of {algorithm} in {scenario} with {nodes} nodes exactly \
         once: run all shards again with the same program"
    )]
    Incomplete {
        /// The variant.
        algorithm: String,
        /// The scenario.
        scenario: String,
        /// The cluster size.
        nodes: u64,
    },
    /// The output folder is the folder of a shard.
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
