use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::{SECTION, notes::Notes};

/// Returns the man page of a command whose definition is complete. `name` is the name of the page,
/// and `parent` that of the page above it.
pub(super) fn page(command: &Command, name: &str, parent: Option<&str>) -> String {
    let notes = command.get_after_help().map(ToString::to_string);
    let notes = Notes::read(&notes.unwrap_or_default());
    // clap_mangen would fill all lines of this text, also those of examples.
    let bare = command.clone().after_help(None::<&'static str>);
    // The version is in the last line of every page.
    let bare = bare.version(None::<&'static str>);
    let man = Man::new(bare)
        .section(SECTION)
        .title(name)
        // An empty argument needs its quotes. Pages of one version must be the same on all days.
        .date("\"\"")
        .source(concat!("elector ", env!("CARGO_PKG_VERSION")))
        .manual("elector");
    let mut text = Vec::new();
    // A vector accepts all bytes.
    let _ = man.render(&mut text);
    let mut rest = Roff::new();
    notes.render(&mut rest);
    if let Some(parent) = parent {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([bold(parent), roman(format!("({SECTION})"))]);
    }
    let _ = rest.to_writer(&mut text);
    // clap_mangen separates a list of values by a line break, a blank line and a line break.
    String::from_utf8_lossy(&text).replace("\n.br\n\n.br\n", "\n.sp\n")
}
