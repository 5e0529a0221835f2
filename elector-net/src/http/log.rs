use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use elector_core::actor::EventKind;
use tokio::sync::watch;

/// One event of the node, and when the service heard of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) at: SystemTime,
    pub(super) kind: EventKind,
}

/// The newest events of a node, for any number of readers, each at its own pace.
#[derive(Debug)]
pub(super) struct Log {
    most: usize,
    kept: Mutex<Kept>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: VecDeque<Entry>,
    /// The number of the newest event; `None` until one is heard: the node counts from its
    /// beginning, which may be long before.
    last: Option<u64>,
    ended: Option<String>,
}

/// Where a reader goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    /// At the event of this number.
    At(u64),
    /// At the oldest that is kept, whatever its number.
    Oldest,
}

/// What comes next for a reader.
#[derive(Debug)]
pub(super) enum Next {
    /// This many events were overwritten, or never heard of; `At` the next one they are over.
    Missed(u64, Cursor),
    Entry(Entry),
    /// The node has stopped, and why: nothing more will come.
    Ended(String),
    /// Nothing yet.
    Nothing,
}

impl Log {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            kept: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }

    pub(super) fn append(&self, entry: Entry) {
        self.change(|kept| {
            if kept.entries.len() >= self.most {
                kept.entries.pop_front();
            }
            kept.entries.push_back(entry);
            kept.last = Some(entry.number);
        });
    }

    /// The node has stopped.
    pub(super) fn end(&self, reason: String) {
        self.change(|kept| kept.ended = Some(reason));
    }

    /// Told whenever there may be something next.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The number of the newest event, if any was heard of.
    pub(super) fn last(&self) -> Option<u64> {
        self.with(|kept| kept.last)
    }

    /// What comes next for a reader that goes on here.
    pub(super) fn next(&self, cursor: Cursor) -> Next {
        self.with(|kept| {
            let from = match cursor {
                Cursor::Oldest => 0,
                Cursor::At(number) => number,
            };
            let place = kept.entries.partition_point(|entry| entry.number < from);
            match (kept.entries.get(place), &kept.ended, cursor) {
                (Some(entry), _, Cursor::At(number)) if entry.number > number => {
                    Next::Missed(entry.number - number, Cursor::At(entry.number))
                }
                (Some(entry), ..) => Next::Entry(*entry),
                (None, Some(reason), _) => Next::Ended(reason.clone()),
                (None, None, _) => Next::Nothing,
            }
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut kept)
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        self.with(change);
        self.changes.send_replace(());
    }
}

/// The id of an event: which run of the node, and which event of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) instance: u64,
    pub(super) number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.instance, self.number)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (instance, number) = text.split_once('-').ok_or(())?;
        if instance.len() != 16 {
            return Err(());
        }
        Ok(Self {
            instance: u64::from_str_radix(instance, 16).map_err(|_| ())?,
            number: number.parse().map_err(|_| ())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use elector_core::Epoch;

    use super::*;

    fn log_of(most: usize, numbers: impl IntoIterator<Item = u64>) -> Log {
        let log = Log::new(most);
        for number in numbers {
            log.append(Entry {
                number,
                at: SystemTime::UNIX_EPOCH,
                kind: EventKind::Granted(Epoch(number)),
            });
        }
        log
    }

    /// All that a reader is given from here on, in a line.
    fn read(log: &Log, mut cursor: Cursor) -> String {
        let mut told = Vec::new();
        loop {
            match log.next(cursor) {
                Next::Missed(missed, next) => {
                    told.push(format!("missed {missed}"));
                    cursor = next;
                }
                Next::Entry(entry) => {
                    told.push(entry.number.to_string());
                    cursor = Cursor::At(entry.number + 1);
                }
                Next::Ended(reason) => return told.join(" ") + " " + &reason,
                Next::Nothing => return told.join(" "),
            }
        }
    }

    // A gap that is not told of is a follower that believes in a leader long gone.
    #[test]
    fn every_gap_is_told_of_with_its_size() {
        let log = log_of(3, 1..=5);
        assert_eq!(read(&log, Cursor::Oldest), "3 4 5");
        assert_eq!(read(&log, Cursor::At(3)), "3 4 5");
        assert_eq!(read(&log, Cursor::At(1)), "missed 2 3 4 5");
        assert_eq!(read(&log, Cursor::At(6)), "");
        // The service itself may have been too slow.
        let log = log_of(10, [4, 5, 9]);
        assert_eq!(read(&log, Cursor::At(5)), "5 missed 3 9");
        assert_eq!(read(&log, Cursor::Oldest), "4 5 missed 3 9");
    }

    // What happened before the end must be told before it.
    #[test]
    fn the_end_comes_after_all_events() {
        let log = log_of(3, 1..=2);
        log.end("stopped".to_owned());
        assert_eq!(read(&log, Cursor::At(2)), "2 stopped");
    }

    // Ids come back from anybody.
    #[test]
    fn ids_are_read_as_they_were_written() {
        let position = Position {
            instance: 0xab,
            number: 7,
        };
        assert_eq!(position.to_string(), "00000000000000ab-7");
        assert_eq!("00000000000000ab-7".parse(), Ok(position));
        for wrong in [
            "",
            "7",
            "ab-7",
            "00000000000000ab-",
            "-7",
            "00000000000000ab-7-7",
        ] {
            assert_eq!(wrong.parse::<Position>(), Err(()), "{wrong}");
        }
    }
}
