use alloc::{sync::Arc, vec::Vec};
use core::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use super::LogIndex;
use crate::{Epoch, Refusal};

/// An entry of a replicated log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// The epoch of the leader that appended the entry.
    pub epoch: Epoch,
    /// What the entry is for.
    pub kind: EntryKind,
}

/// What an [`Entry`] is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntryKind {
    /// Nothing. A new leader of Raft appends such an entry: when it is committed, so are all
    /// entries before it.
    NoOp,
    /// A command of the application.
    Command(Request),
}

impl Entry {
    /// Shortens a batch of entries so that it fits into a message. At least one entry stays.
    pub fn fit(batch: &mut Vec<Self>) {
        /// The maximum length of all commands of a batch in bytes, if there are several. It leaves
        /// room in a frame of the TCP host, which has at most 1 MiB.
        const MAX_BYTES: usize = 512 * 1024;
        let mut bytes = 0;
        let fits = |entry: &Self| {
            bytes += match &entry.kind {
                EntryKind::NoOp => 0,
                EntryKind::Command(request) => request.command.len(),
            };
            bytes <= MAX_BYTES
        };
        let count = batch.iter().map(fits).take_while(|&fits| fits).count();
        batch.truncate(count.max(1));
    }
}

/// A command of the application for its state machine, and the client that sent it.
///
/// A client numbers its commands. If it gets no answer, it sends the same command again with the
/// same number. So the log may have the same request several times, and the state machine must
/// apply it only once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Request {
    /// A number that identifies the client.
    pub client: u64,
    /// The number of the command among the commands of this client, from 1.
    pub sequence: u64,
    /// The command, encoded by the application.
    pub command: Arc<[u8]>,
}

impl Request {
    /// The maximum length of a command in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Checks whether a leader can append this request to its log, whose last entry has the index
    /// `last`, and whose last committed entry has the index `committed`. Every algorithm with a log
    /// calls this function. The limits bound the memory of the nodes and the length of messages.
    ///
    /// # Errors
    /// If the command is too long, or if too many entries are not committed yet.
    pub fn check(&self, last: LogIndex, committed: LogIndex) -> Result<(), Refusal> {
        /// The maximum number of entries that are not committed.
        const MAX_UNCOMMITTED: u64 = 1024;
        if self.command.len() > Self::MAX_BYTES {
            return Err(Refusal::CommandTooLong);
        }
        match last.0.saturating_sub(committed.0) < MAX_UNCOMMITTED {
            true => Ok(()),
            false => Err(Refusal::Busy),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.client, self.sequence)
    }
}

/// Reads the form that [`Display`](fmt::Display) writes: `7.2` is command 2 of client 7. The
/// command itself is empty.
impl FromStr for Request {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (client, sequence) = text.split_once('.').unwrap_or((text, ""));
        Ok(Self {
            client: client.parse()?,
            sequence: sequence.parse()?,
            command: Arc::default(),
        })
    }
}
