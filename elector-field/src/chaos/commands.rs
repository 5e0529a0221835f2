use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use crate::{error::Error, witness::Life};

/// The commands that have run in a cluster. A command is what a node runs while it leads. Each
/// command tries to take a file lock when it begins, and the commands are in the order in which
/// they took this lock or failed to take it.
///
/// This type checks that no two commands run at once, and that each command has a higher fencing
/// token than all commands before it.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// How many bytes have been read of the file that has one line for each command (the program
    /// that a node runs while it leads).
    position: u64,
    pub(super) count: usize,
    pub(super) last: Option<Life>,
    highest: u64,
    pub(super) overlaps: Vec<String>,
    pub(super) token_violations: Vec<String>,
}

impl Commands {
    /// Reads the lines of the commands that began since the last call, and checks these commands. A
    /// command is what a node runs while it leads.
    ///
    /// # Errors
    /// Returns an error if the file exists and cannot be read.
    pub(super) fn update(&mut self, folder: &Path) -> Result<(), Error> {
        let mut file = match File::open(Life::all_path(folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        file.seek(SeekFrom::Start(self.position))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let lines = text.split_inclusive('\n');
        // The last line of the file may be incomplete. Then the next call reads that line.
        for line in lines.filter(|line| line.ends_with('\n')) {
            self.position += line.len() as u64;
            match Life::parse(line.trim_end()) {
                Some(life) => self.check(life),
                None => self
                    .token_violations
                    .push(format!("not a line of a command: {line:?}")),
            }
        }
        Ok(())
    }

    /// Checks the next command (a program that a node ran while it led) against all commands before
    /// it, and records the violations.
    fn check(&mut self, life: Life) {
        self.count += 1;
        if life.overlaps {
            let before = self.last;
            self.overlaps.push(format!(
                "{life:?} began while another command ran. The command before it: {before:?}"
            ));
        }
        if life.token <= self.highest {
            let highest = self.highest;
            self.token_violations.push(format!(
                "the token did not rise: {life:?}, but an earlier command had {highest}"
            ));
        }
        self.highest = self.highest.max(life.token);
        self.last = Some(life);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write};

    use super::*;

    const CORRECT: &str = "70 100 16384 false 1\n71 200 16385 false 1\n80 300 32768 false 2\n";

    /// Returns the overlaps of commands and the violations of the fencing tokens that are found
    /// when the lines `more` are written after a correct history, and the number of commands.
    fn check_after_correct_history(more: &str) -> (Vec<String>, Vec<String>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut commands = Commands::default();
        commands.update(folder.path()).unwrap();
        for text in [CORRECT, more] {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true);
            let mut file = file.open(Life::all_path(folder.path())).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            commands.update(folder.path()).unwrap();
        }
        (commands.overlaps, commands.token_violations, commands.count)
    }

    // If the check of the commands had false alarms, people would switch it off. The last line is
    // incomplete, so it is not read.
    #[test]
    fn a_correct_history_has_no_violation() {
        let (overlaps, tokens, count) = check_after_correct_history("81 400 32769 false 2\n82 50");
        assert_eq!((overlaps, tokens, count), (vec![], vec![], 4));
    }

    // If the check missed these violations, a trial would accept two commands at once, or tokens
    // that do not rise.
    #[test]
    fn each_violation_is_found() {
        let (overlaps, tokens, _) = check_after_correct_history("81 400 32769 true 2\n");
        assert!(overlaps.len() == 1 && tokens.is_empty(), "{overlaps:?}");
        for (bad, message) in [
            // The bad line repeats the newest token, has a much older one, a lower one, 0, or no
            // token, or is incomplete.
            ("81 400 32768 false 2\n", "did not rise"),
            ("81 400 16384 false 2\n", "did not rise"),
            ("81 400 32767 false 2\n", "did not rise"),
            ("81 400 0 false 2\n", "did not rise"),
            ("81 400  false 2\n", "did not rise"),
            ("81 400 32769\n", "not a line"),
            // The token of the second line is higher than the token of the first line, but not
            // higher than all tokens before.
            ("81 400 100 false 2\n82 500 200 false 2\n", "did not rise"),
        ] {
            let (overlaps, tokens, _) = check_after_correct_history(bad);
            assert!(overlaps.is_empty(), "{bad}");
            assert_eq!(tokens.len(), bad.lines().count(), "{bad}: {tokens:?}");
            assert!(
                tokens.iter().all(|found| found.contains(message)),
                "{tokens:?}"
            );
        }
    }
}
