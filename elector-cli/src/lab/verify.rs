//! `elector verify`: runs the comparison in a folder again, from the manifest of the folder, and
//! compares the files with the new results.

mod csv_files;
mod difference;
mod run_files;

use std::{collections::BTreeMap, fmt::Write as _, path::Path, process::ExitCode};

use super::{
    LabError,
    args::{self, RunWhen},
    build::Build,
    compare,
    comparison::Comparison,
    exit_code, files,
    files::Contents,
    folder_error::{FolderError, read_file},
    manifest::{MANIFEST, Manifest},
    sha256::FileDigest,
    study::Study,
};
use crate::{Cli, output};
use difference::difference;

/// Runs `elector verify`.
///
/// # Errors
/// If the folder is not complete, or if this program cannot run its comparison.
pub(crate) fn verify(cli: &Cli, options: &args::Verify) -> Result<ExitCode, LabError> {
    let folder = options.folder.as_path();
    let manifest = Manifest::read(folder)?;
    let comparison = manifest.comparison(cli, folder, options.jobs)?;
    let found = read_files(folder, &manifest)?;
    output::warn(&notes(&manifest, &comparison));
    let is_unchanged = |name: &str| {
        let found = found.get(name).map(|contents| FileDigest::of(contents));
        found.as_ref() == manifest.files.get(name)
    };
    let all_unchanged = manifest.file_names().iter().all(|name| is_unchanged(name));
    let is_run = match options.run {
        RunWhen::Unchanged => all_unchanged,
        RunWhen::Always => true,
        RunWhen::Never => false,
    };
    let mut text = String::new();
    if !is_run {
        for &name in manifest.file_names() {
            let verdict = if is_unchanged(name) {
                "unchanged since it was written"
            } else {
                "changed after it was written: its SHA-256 is not the one in manifest.json"
            };
            row(&mut text, name, verdict);
        }
        if options.run == RunWhen::Unchanged {
            text.push_str("Nothing was run. To see what differs: add --run always.\n");
        }
        output::print(&text)?;
        return Ok(exit_code(all_unchanged));
    }
    let new = run_again(&manifest, comparison.clone())?;
    let mut is_same = true;
    for (name, new_contents) in &new {
        let old = found.get(name).map_or(&[][..], Vec::as_slice);
        let verdict = verdict(name, old, new_contents, is_unchanged(name));
        is_same &= verdict.is_none();
        row(&mut text, name, verdict.as_deref().unwrap_or("same"));
    }
    // The digests in the manifest were compared with the files above. So only the settings in the
    // manifest are compared here.
    let again = files::manifest(&comparison, manifest.shard(), &new);
    let setting = manifest.differing_setting(&again);
    is_same &= setting.is_none();
    let verdict = setting.map(|name| format!("differs: `{name}` is not what this program writes"));
    row(&mut text, MANIFEST, verdict.as_deref().unwrap_or("same"));
    output::print(&text)?;
    Ok(exit_code(is_same))
}

/// Appends the line about one file to `text`.
fn row(text: &mut String, name: &str, verdict: &str) {
    let _ = writeln!(text, "{name:<14} {verdict}");
}

/// Returns the contents of the files that the manifest names.
fn read_files(
    folder: &Path,
    manifest: &Manifest,
) -> Result<BTreeMap<&'static str, Vec<u8>>, FolderError> {
    let names = manifest.file_names().iter();
    let files = names.map(|&name| Ok((name, read_file(folder.join(name))?)));
    files.collect()
}

/// Returns the possible reasons for differences between the files and a new run, one note per line.
fn notes(manifest: &Manifest, comparison: &Comparison) -> String {
    let (theirs, ours) = (&manifest.build, Build::of_this_program());
    let mut text = String::new();
    if (&theirs.commit, theirs.dirty) != (&ours.commit, ours.dirty) {
        let _ = writeln!(
            text,
            "note: the folder was written by {}, and this program is of {}",
            theirs.source(),
            ours.source()
        );
    }
    for variant in manifest.reconfigured(comparison) {
        let _ = writeln!(
            text,
            "note: {variant} has another configuration in this program"
        );
    }
    text
}

/// Runs the comparison of the manifest again and returns the new files. If the folder has only a
/// shard (one of several parts) of the comparison, runs only this shard.
fn run_again(manifest: &Manifest, comparison: Comparison) -> Result<Contents, LabError> {
    let cells = compare::run(&comparison, manifest.part())?;
    if manifest.shard().is_some() {
        return files::of_shard(&cells);
    }
    files::of_study(&Study::new(comparison, cells))
}

/// Returns what is wrong with a file. Returns `None` if the file is what a new run gives, and has
/// the digest in the manifest.
fn verdict(name: &str, old: &[u8], new: &[u8], is_unchanged: bool) -> Option<String> {
    if old == new {
        return (!is_unchanged)
            .then(|| "is what a new run gives, but manifest.json has another SHA-256".to_owned());
    }
    let difference = difference(name, old, new);
    Some(if is_unchanged {
        format!("differs: {difference}")
    } else {
        format!("changed after it was written: {difference}")
    })
}
