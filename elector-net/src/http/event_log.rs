use std::{collections::VecDeque, fmt, str::FromStr, sync::Mutex, time::SystemTime};

use elector_core::actor::EventKind;
use tokio::sync::watch;

use crate::link::lock;

/// One event of the node, such as a change of the leader, and the time at which the HTTP service
/// received it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) at: SystemTime,
    pub(super) kind: EventKind,
}

/// A log of the newest events of a node. Any number of readers read from it, each at its own
/// position. When the log is full, a new event overwrites the oldest one.
#[derive(Debug)]
pub(super) struct EventLog {
    capacity: usize,
    state: Mutex<LogState>,
    changes: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct LogState {
    entries: VecDeque<Entry>,
    /// The number of the newest event; `None` before the first one. The node counts events from its
    /// own start, which may be long before the start of the HTTP service.
    last: Option<u64>,
    ended: Option<String>,
}

/// The position of a reader in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    /// The reader gets the event with this number next.
    At(u64),
    /// The reader gets the oldest event in the log next.
    Oldest,
}

/// What a reader gets next from the log.
#[derive(Debug)]
pub(super) enum Next {
    /// The reader has missed this many events, because they were overwritten, or because the
    /// HTTP service did not receive them. The new cursor is at the next event that is in the log.
    Missed(u64, Cursor),
    Entry(Entry),
    /// The node has stopped for this reason, and there are no further events.
    Ended(String),
    /// There is no new event yet.
    Nothing,
}

impl EventLog {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            state: Mutex::default(),
            changes: watch::Sender::new(()),
        }
    }

    pub(super) fn append(&self, entry: Entry) {
        self.change(|state| {
            if state.entries.len() >= self.capacity {
                state.entries.pop_front();
            }
            state.entries.push_back(entry);
            state.last = Some(entry.number);
        });
    }

    /// Records that the node has stopped, for this reason.
    pub(super) fn end(&self, reason: String) {
        self.change(|state| state.ended = Some(reason));
    }

    /// Returns a receiver that is notified when there may be a new item for readers.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Returns the number of the newest event.
    pub(super) fn last(&self) -> Option<u64> {
        lock(&self.state).last
    }

    /// Returns the next item, such as an event, for a reader at this position.
    pub(super) fn next(&self, cursor: Cursor) -> Next {
        let state = lock(&self.state);
        let from = match cursor {
            Cursor::Oldest => 0,
            Cursor::At(number) => number,
        };
        let place = state.entries.partition_point(|entry| entry.number < from);
        match (state.entries.get(place), &state.ended, cursor) {
            (Some(entry), _, Cursor::At(number)) if entry.number > number => {
                Next::Missed(entry.number - number, Cursor::At(entry.number))
            }
            (Some(entry), ..) => Next::Entry(*entry),
            (None, Some(reason), _) => Next::Ended(reason.clone()),
            (None, None, _) => Next::Nothing,
        }
    }

    fn change(&self, change: impl FnOnce(&mut LogState)) {
        change(&mut lock(&self.state));
        self.changes.send_replace(());
    }
}

/// The id of an event: a random number for the life of the node, and the number of the event in
/// this life. A life is the run of one process.
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

    fn log_of(capacity: usize, numbers: impl IntoIterator<Item = u64>) -> EventLog {
        let log = EventLog::new(capacity);
        for number in numbers {
            log.append(Entry {
                number,
                at: SystemTime::UNIX_EPOCH,
                kind: EventKind::Granted(Epoch(number)),
            });
        }
        log
    }

    /// Returns all items that a reader gets from this position on, in one line of text.
    fn read(log: &EventLog, mut cursor: Cursor) -> String {
        let mut items = Vec::new();
        loop {
            match log.next(cursor) {
                Next::Missed(missed, next) => {
                    items.push(format!("missed {missed}"));
                    cursor = next;
                }
                Next::Entry(entry) => {
                    items.push(entry.number.to_string());
                    cursor = Cursor::At(entry.number + 1);
                }
                Next::Ended(reason) => return items.join(" ") + " " + &reason,
                Next::Nothing => return items.join(" "),
            }
        }
    }

    // New events overwrite old ones, so a slow reader can miss events. Each gap must be reported: a
    // reader that does not notice it may rely on a leader that does not lead any more.
    #[test]
    fn every_gap_is_reported_with_its_size() {
        let log = log_of(3, 1..=5);
        assert_eq!(read(&log, Cursor::Oldest), "3 4 5");
        assert_eq!(read(&log, Cursor::At(3)), "3 4 5");
        assert_eq!(read(&log, Cursor::At(1)), "missed 2 3 4 5");
        assert_eq!(read(&log, Cursor::At(6)), "");
        // The service itself may have been too slow to receive all events, so numbers are missing
        // in the log.
        let log = log_of(10, [4, 5, 9]);
        assert_eq!(read(&log, Cursor::At(5)), "5 missed 3 9");
        assert_eq!(read(&log, Cursor::Oldest), "4 5 missed 3 9");
    }

    // Events before the end of the node must be sent before the reader is informed of the end.
    #[test]
    fn the_end_comes_after_all_events() {
        let log = log_of(3, 1..=2);
        log.end("stopped".to_owned());
        assert_eq!(read(&log, Cursor::At(2)), "2 stopped");
    }

    // Any client can send any text as the id of an event. Invalid ids must be rejected.
    #[test]
    fn only_well_formed_ids_are_parsed() {
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
