use std::path::PathBuf;

use elector_sim::Shard;
use thiserror::Error;

use crate::lab::build::Build;

/// How many missing shards an error names.
const MAX_NAMED: usize = 20;

/// Why folders cannot be merged.
#[derive(Debug, Error)]
pub(crate) enum MergeError {
    /// A folder has a whole comparison.
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
        /// What differs.
        what: &'static str,
        /// The folders.
        folders: [PathBuf; 2],
    },
    /// Another program ran the shards.
    #[error(
        "{} was run by another program: {}, {}, {}, {}. This one is: {}, {}, {}, {}. Merge with \
         the program that ran the shards",
        folder.display(),
        build.source(), build.rustc, build.target, build.profile,
        Build::of_this_program().source(), Build::of_this_program().rustc,
        Build::of_this_program().target, Build::of_this_program().profile
    )]
    OtherProgram {
        /// The folder.
        folder: PathBuf,
        /// The program that ran it.
        build: Box<Build>,
    },
    /// A shard occurs twice.
    #[error(
        "{} and {} are both shard {shard}: name each shard once",
        folders[0].display(),
        folders[1].display()
    )]
    Twice {
        /// The shard.
        shard: Shard,
        /// The folders.
        folders: [PathBuf; 2],
    },
    /// Shards are missing.
    #[error(
        "shards are missing: {} of {count}. Run them, and name all folders",
        missing(present, *count)
    )]
    Missing {
        /// The numbers of the shards that are there.
        present: Vec<u64>,
        /// The number of all shards.
        count: u64,
    },
    /// A cell does not have each seed once.
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
