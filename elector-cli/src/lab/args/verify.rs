use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, ValueEnum};

use super::jobs;

/// The arguments of `elector verify`.
#[derive(Clone, Debug, Args)]
#[command(
    display_order = 2,
    after_help = "\
Examples:
  elector verify comparison
  elector verify comparison --run never                 only the SHA-256 of the files
  elector verify comparison --run always                also if a file was changed

First the SHA-256 of each file is compared with manifest.json. Then everything in manifest.json is
run again, and the new files are compared with those of the folder. For each file the command
prints `same`, or the first difference. Scenarios of your own come from manifest.json, not from
their files. Violations that are in the files are no difference.
If this program was built from another commit than the one that wrote the folder, a note says so.
Exit code: 0 all files are the same; 1 a file differs; 2 the folder cannot be verified."
)]
pub(crate) struct Verify {
    /// A folder that `elector compare --out` or `elector merge` wrote
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// When to run the comparison again
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = RunWhen::Unchanged)]
    pub(crate) run: RunWhen,
    /// Number of threads [default: one per core]
    #[arg(long, value_name = "JOBS", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// When `elector verify` runs the comparison again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RunWhen {
    /// Only if no file of the folder was changed after it was written
    Unchanged,
    /// Always
    Always,
    /// Never: compare only the SHA-256 of the files
    Never,
}
