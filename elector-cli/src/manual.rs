mod notes;
mod page;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, Command};
use thiserror::Error;

use crate::{
    definition::{definition, program},
    family::Family,
};

/// The section of the manual for commands that users run.
const SECTION: &str = "1";

/// The arguments of `elector man`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  elector man --out man1 && man -l man1/elector.1
  elector man --out ~/.cargo/share/man/man1 && man elector-status

`man` looks beside each folder of PATH: for ~/.cargo/bin in ~/.cargo/share/man. For all users, the
folder is /usr/local/share/man/man1.")]
pub(crate) struct Man {
    /// The folder for the pages. It is created if it does not exist; older pages are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The man pages cannot be written.
#[derive(Debug, Error)]
#[error("cannot write to {path}: {cause}. Name another folder with --out, or change its rights")]
pub(crate) struct ManError {
    path: PathBuf,
    cause: io::Error,
}

impl Man {
    /// Writes one page for the command and one for each subcommand. Returns a message that says
    /// where the pages are.
    ///
    /// # Errors
    /// If the folder or a file cannot be written.
    pub(crate) fn write(&self, families: &[Family]) -> Result<String, ManError> {
        let pages = pages(families);
        let folder = self.out.display();
        written(&self.out, fs::create_dir_all(&self.out))?;
        for (name, text) in &pages {
            let path = self.out.join(name);
            written(&path, fs::write(&path, text))?;
        }
        let (count, first) = (pages.len(), &pages[0].0);
        Ok(format!(
            "{count} man pages are in {folder}. To read the first one: man -l {folder}/{first}\n"
        ))
    }
}

fn written<T>(path: &Path, result: io::Result<T>) -> Result<T, ManError> {
    result.map_err(|cause| ManError {
        path: path.to_owned(),
        cause,
    })
}

/// Returns the file name and the text of each page. The first page is the page of the whole
/// command.
fn pages(families: &[Family]) -> Vec<(String, String)> {
    let program = program();
    let mut definition = definition(families, &program).disable_help_subcommand(true);
    definition.build();
    let mut pages = Vec::new();
    add(&mut pages, &definition, None);
    pages
}

fn add(pages: &mut Vec<(String, String)>, command: &Command, parent: Option<&str>) {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    pages.push((
        format!("{name}.{SECTION}"),
        page::page(command, name, parent),
    ));
    for subcommand in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        add(pages, subcommand, Some(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;

    // A subcommand of another subcommand must have a page, too.
    #[test]
    fn every_subcommand_has_a_page() {
        let pages = pages(&Cli::standard().families);
        let program = program();
        let has = |name: &str| {
            let name = format!("{program}{name}.1");
            pages.iter().any(|page| page.0 == name)
        };
        assert!(pages[0].0 == format!("{program}.1") && has("-algorithms"));
        assert_eq!(has("-compare"), cfg!(feature = "lab"));
        assert_eq!(has("-certs-dev"), cfg!(feature = "node"));
        assert!(!has("-help"));
    }
}
