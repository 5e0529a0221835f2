//! The comparison as one HTML page.

use crate::study::Study;

/// The page.
pub fn page(study: &Study, command: &str) -> String {
    let _ = study;
    command.to_owned()
}
