use std::path::PathBuf;

use clap::Args;
use elector_sim::Shard;

use super::Format;

/// The maximum number of shards of a comparison, which are its parts for several machines.
const MAX_SHARDS: u64 = 100_000;

/// The arguments of `elector merge`.
#[derive(Clone, Debug, Args)]
#[command(
    display_order = 2,
    after_help = "\
Examples:
  elector compare --shard 1/3 --out part-1              on each of three machines, with its number
  elector merge --out comparison part-1 part-2 part-3

The files and the output are those of the same comparison without shards, byte for byte.
Exit code: 0 success; 1 an invariant was violated; 2 the shards could not be merged."
)]
pub(crate) struct Merge {
    /// The folders of all shards (parts) of the comparison, in any order
    #[arg(value_name = "DIR", required = true)]
    pub(crate) shards: Vec<PathBuf>,
    /// Folder for report.html, summary.csv, elections.csv and manifest.json
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// Parses the number of a shard (one part of a comparison) and the number of all shards, for
/// example `3/16`.
pub(super) fn shard(text: &str) -> Result<Shard, String> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let parts = text.split_once('/');
    let parts = parts.and_then(|(shard, count)| Some((number(shard)?, number(count)?)));
    let (shard, count) = parts.ok_or("write NUMBER/COUNT, for example 3/16")?;
    if count > MAX_SHARDS {
        return Err(format!("the limit is {MAX_SHARDS} shards"));
    }
    Shard::new(shard, count).ok_or_else(|| match (shard, count) {
        (_, 0) => "at least 1 shard is needed".to_owned(),
        (0, _) => format!(
            "shards are numbered from 1 to {count}: where a number counts from 0, add 1 to it"
        ),
        _ => format!("shards are numbered from 1 to {count}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Programs that start jobs often number them from 0. If a user gives such a number to
    // `--shard`, the error must say to add 1: otherwise the last shard (part of the comparison)
    // would be missing.
    #[test]
    fn wrong_shards_name_the_reason() {
        assert_eq!(shard("3/16"), Ok(Shard::new(3, 16).unwrap()));
        for (text, reason) in [
            ("0/16", "add 1 to it"),
            ("17/16", "numbered from 1 to 16"),
            ("1/0", "at least 1 shard"),
            ("3", "for example 3/16"),
            ("3/", "for example 3/16"),
            ("-1/3", "for example 3/16"),
            ("a/b", "for example 3/16"),
            ("1/100001", "the limit is 100000"),
            ("1/99999999999999999999", "the limit is 100000"),
            ("99999999999999999999/3", "numbered from 1 to 3"),
        ] {
            let error = shard(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
