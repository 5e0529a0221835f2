use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use crate::{error::Error, witness::Life};

/// The commands of a cluster, in the order in which they took the lock or failed to: that they
/// were alone, and that each had a higher token than all before it.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// How much of their file was read.
    read: u64,
    pub(super) count: usize,
    pub(super) last: Option<Life>,
    highest: u64,
    pub(super) overlaps: Vec<String>,
    pub(super) tokens: Vec<String>,
}

impl Commands {
    /// Reads what began since the last look.
    ///
    /// # Errors
    /// If the file is there, and cannot be read.
    pub(super) fn look(&mut self, folder: &Path) -> Result<(), Error> {
        let mut file = match File::open(Life::all(folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file?,
        };
        file.seek(SeekFrom::Start(self.read))?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.split_inclusive('\n');
        for line in whole.filter(|line| line.ends_with('\n')) {
            self.read += line.len() as u64;
            match Life::read(line.trim_end()) {
                Some(life) => self.take(life),
                None => self.tokens.push(format!("no line of a command: {line:?}")),
            }
        }
        Ok(())
    }

    /// Takes the next one.
    fn take(&mut self, life: Life) {
        self.count += 1;
        if life.overlaps {
            let before = self.last;
            self.overlaps.push(format!(
                "{life:?} began while another command lived; before it began {before:?}"
            ));
        }
        if life.token <= self.highest {
            let highest = self.highest;
            self.tokens.push(format!(
                "the token did not rise: {life:?}, and one before had {highest}"
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

    const SOUND: &str = "70 100 16384 false 1\n71 200 16385 false 1\n80 300 32768 false 2\n";

    /// What is found if this is written after a sound history, and how many commands there were.
    fn found(more: &str) -> (Vec<String>, Vec<String>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut commands = Commands::default();
        commands.look(folder.path()).unwrap();
        for text in [SOUND, more] {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true);
            let mut file = file.open(Life::all(folder.path())).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            commands.look(folder.path()).unwrap();
        }
        (commands.overlaps, commands.tokens, commands.count)
    }

    // A checker that complains of what is sound would be switched off. A line that is being
    // written is read when it is whole.
    #[test]
    fn a_sound_history_has_no_violation() {
        assert_eq!(found("81 400 32769 false 2\n82 50"), (vec![], vec![], 4));
    }

    // A checker that has gone blind would pass two commands at once.
    #[test]
    fn each_violation_is_found() {
        let (overlaps, tokens, _) = found("81 400 32769 true 2\n");
        assert!(overlaps.len() == 1 && tokens.is_empty(), "{overlaps:?}");
        for (bad, told) in [
            // Twice, one of long before, one below, none.
            ("81 400 32768 false 2\n", "did not rise"),
            ("81 400 16384 false 2\n", "did not rise"),
            ("81 400 32767 false 2\n", "did not rise"),
            ("81 400 0 false 2\n", "did not rise"),
            ("81 400  false 2\n", "did not rise"),
            ("81 400 32769\n", "no line"),
            // Higher than the one before it, and not than all.
            ("81 400 100 false 2\n82 500 200 false 2\n", "did not rise"),
        ] {
            let (overlaps, tokens, _) = found(bad);
            assert!(overlaps.is_empty(), "{bad}");
            assert_eq!(tokens.len(), bad.lines().count(), "{bad}: {tokens:?}");
            assert!(
                tokens.iter().all(|found| found.contains(told)),
                "{tokens:?}"
            );
        }
    }
}
