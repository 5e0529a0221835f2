use std::{fs, path::Path};

/// The information in the logs of the nodes that a trial needs.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// How often a node logged that its command (the program that it runs while it leads) ended
    /// only after its lease had ended.
    pub(super) late_ends: usize,
    /// All lines with a panic.
    pub(super) panics: Vec<String>,
}

impl Logs {
    /// Adds the information of one log file.
    pub(super) fn read(&mut self, log: &Path) {
        // A process that cannot write its log as usual may write the text of a panic in the middle
        // of a line. So each line is read as text, and not as JSON.
        let text = fs::read(log).unwrap_or_default();
        for line in String::from_utf8_lossy(&text).lines() {
            if line.contains("command ended after its lease") {
                self.late_ends += 1;
            }
            if line.contains("panicked") {
                self.panics.push(line.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // No other check of a trial notices a panic that was caught, or a panic after which the node
    // was restarted.
    #[test]
    fn panics_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let late = "{\"message\":\"command ended after its lease, and\"}";
        let panic = "{\"message\":\"a thread panicked\",\"panic\":\"panicked at src/a.rs\"}";
        fs::write(&log, format!("{{\"message\":\"fine\"}}\n{late}\n{panic}\n")).unwrap();
        let mut logs = Logs::default();
        logs.read(&log);
        assert_eq!(
            (logs.late_ends, &logs.panics[..]),
            (1, &[panic.to_owned()][..])
        );
    }
}
