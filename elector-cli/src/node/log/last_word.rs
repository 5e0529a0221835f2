use std::{
    fmt::Display,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing::subscriber::with_default;
use tracing_subscriber::fmt;

/// An error that ends the process, as a line of a JSON log: for a log that has not begun, or whose
/// filter lets no errors through.
pub(crate) fn last_word(error: &dyn Display) -> String {
    let line = Line::default();
    let kept = line.clone();
    let log = fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || kept.clone())
        .finish();
    with_default(log, || tracing::error!(target: "elector", "{error}"));
    let bytes = line.0.lock().unwrap_or_else(PoisonError::into_inner);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Clone, Debug, Default)]
struct Line(Arc<Mutex<Vec<u8>>>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        line.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    // What reads a JSON log must be able to read its last line, too, whatever is in it.
    #[test]
    fn the_last_word_is_one_object_in_one_line() {
        let said = last_word(&"no \"such\"\nthing");
        assert_eq!(said.matches('\n').count(), 1, "{said}");
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["level"], "ERROR");
        assert_eq!(said["message"], "no \"such\"\nthing");
        assert_eq!(said["target"], "elector");
        assert!(said["timestamp"].is_string());
    }
}
