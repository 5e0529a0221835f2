use std::{
    fmt::Display,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use tracing::subscriber::with_default;
use tracing_subscriber::fmt;

/// Formats an error that ends the process as a line of a JSON log. The caller prints this line
/// without the log, because the log may not be started, or its filter may drop errors.
pub(crate) fn error_line(error: &dyn Display) -> String {
    let line = Line::default();
    let writer = line.clone();
    let log = fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || writer.clone())
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

    // A program that reads a JSON log must also be able to read the line of the error that ended
    // the process, with any characters in the error.
    #[test]
    fn the_line_is_one_json_object() {
        let text = error_line(&"no \"such\"\nthing");
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["message"], "no \"such\"\nthing");
        assert_eq!(line["target"], "elector");
        assert!(line["timestamp"].is_string());
    }
}
