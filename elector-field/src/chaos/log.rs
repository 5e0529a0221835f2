use std::{fs, path::Path};

/// What the logs of the nodes say that is to be known.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// How often a command ended after its lease, as its own node measured it.
    pub(super) late_ends: usize,
    /// Each line with a panic.
    pub(super) panics: Vec<String>,
}

impl Logs {
    /// Reads one more.
    pub(super) fn read(&mut self, log: &Path) {
        // A panic of a process that cannot write its log any more may be in the middle of a line.
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

    // A panic that is caught, or that restarts the node, would be seen by nothing else.
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
