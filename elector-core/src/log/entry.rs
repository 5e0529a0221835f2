use alloc::sync::Arc;
use core::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Epoch;

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
    /// Nothing. A new leader appends such an entry: when it is committed, so are all entries before
    /// it. Multi-Paxos also fills gaps with it.
    NoOp,
    /// A command of the application.
    Command(Request),
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
