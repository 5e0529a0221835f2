use std::fmt::Write as _;

use elector_sim::Scenario;

use crate::{CliError, output, registry, wrap::wrapped};

/// How far lines go.
const WIDTH: usize = 100;

/// What the guarantees mean.
const GUARANTEES: [(&str, &str); 2] = [
    (
        "quorum",
        "at most one leader per epoch, ever, and a lease that excludes all others: its epochs are \
         fencing tokens. Without a majority there is no leader.",
    ),
    (
        "best-effort",
        "one leader per connected part of the cluster once faults end. Under a partition there are \
         several at once: for work that may be done twice.",
    ),
];

/// `elector algorithms`.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn algorithms() -> Result<(), CliError> {
    let mut text = String::new();
    for family in registry::families() {
        let guarantee = family
            .guarantee()
            .map_or(String::new(), |kind| kind.to_string());
        let _ = writeln!(text, "{} — {guarantee}", family.name);
        text.push_str(&wrapped(family.summary, "  ", WIDTH));
        for entry in &family.entries {
            let label = format!("  {:<22} ", entry.contestant.label());
            text.push_str(&wrapped(&entry.contestant.summary, &label, WIDTH));
        }
        text.push('\n');
    }
    for (guarantee, meaning) in GUARANTEES {
        text.push_str(&wrapped(meaning, &format!("{guarantee:<12} "), WIDTH));
    }
    output::print(&text)
}

/// `elector scenarios`, of all or of one.
///
/// # Errors
/// If there is none of this name, or standard output cannot be written.
pub(crate) fn scenarios(name: Option<&str>) -> Result<(), CliError> {
    if let Some(name) = name {
        return output::print(Scenario::source(name)?);
    }
    let mut text = String::new();
    for scenario in Scenario::builtin()? {
        let label = format!("{:<18} ", scenario.name);
        text.push_str(&wrapped(&scenario.summary, &label, WIDTH));
        text.push_str(&wrapped(&scenario.sees, &" ".repeat(19), WIDTH));
        text.push('\n');
    }
    text.push_str("One as a file to copy and change: elector scenarios NAME > mine.toml\n");
    output::print(&text)
}
