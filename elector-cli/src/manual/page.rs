use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

use super::{SECTION, notes::Notes};

/// Returns the man page of a command. The definition of the command must be complete
/// (`Command::build`). `name` is the name of the page, and `parent` is the name of the page of the
/// command that `command` is a subcommand of.
pub(super) fn page(command: &Command, name: &str, parent: Option<&str>) -> String {
    let notes = command.get_after_help().map(ToString::to_string);
    let notes = Notes::read(&notes.unwrap_or_default());
    // clap_mangen would fill the lines of the text after the options to the width of the page, also
    // the lines of examples. `Notes` renders this text instead.
    let bare = command.clone().after_help(None::<&'static str>);
    // The last line of every page contains the version, so clap_mangen must not add a section with
    // the version.
    let bare = bare.version(None::<&'static str>);
    let man = Man::new(bare)
        .section(SECTION)
        .title(name)
        // In roff, the language of man pages, an empty argument is written as two quotes. Without a
        // date, the pages of one version are the same on all days.
        .date("\"\"")
        .source(concat!("elector ", env!("CARGO_PKG_VERSION")))
        .manual("elector");
    let mut text = Vec::new();
    // Writing into a vector cannot fail.
    let _ = man.render(&mut text);
    let mut rest = Roff::new();
    notes.render(&mut rest);
    if let Some(parent) = parent {
        rest.control("SH", ["SEE ALSO"]);
        rest.text([bold(parent), roman(format!("({SECTION})"))]);
    }
    let _ = rest.to_writer(&mut text);
    // clap_mangen puts a line break, a blank line and a line break before a list of values. One
    // empty line is enough.
    String::from_utf8_lossy(&text).replace("\n.br\n\n.br\n", "\n.sp\n")
}
