//! What `elector compare` and `elector merge` print.

use std::{fmt::Write as _, path::Path};

use super::{LabError, args::Format, files, overview, study::Study, violations};
use crate::output;

/// The maximum number of rows of the table with all figures. If there are more rows, the command
/// prints an overview instead.
const MAX_TABLE_ROWS: usize = 40;

/// Prints the figures and the violations of a comparison. With a format for programs (JSON or CSV),
/// the violations go to standard error. `out` is the folder of the output files, if there is one.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn show(study: &Study, format: Format, out: Option<&Path>) -> Result<(), LabError> {
    let violations = violations::text(study, out);
    match format {
        Format::Table => output::print(&(tables(study, out) + &violations))?,
        Format::Json => {
            output::print(
                &(serde_json::to_string_pretty(&study.summaries).map_err(LabError::Json)? + "\n"),
            )?;
            output::warn(&violations);
        }
        Format::Csv => {
            output::print(&String::from_utf8_lossy(&files::summary_csv(study)?))?;
            output::warn(&violations);
        }
    }
    Ok(())
}

fn tables(study: &Study, out: Option<&Path>) -> String {
    if study.summaries.len() <= MAX_TABLE_ROWS {
        return study.sweep.table_of(&study.summaries) + "\n";
    }
    let mut text = overview::text(study);
    let _ = writeln!(
        text,
        "\nAll {} rows: add --format csv.",
        study.summaries.len()
    );
    let _ = match out {
        Some(out) => writeln!(
            text,
            "The report is in {}.",
            out.join("report.html").display()
        ),
        None => writeln!(text, "A report with charts and diagrams: add --out DIR."),
    };
    text
}
