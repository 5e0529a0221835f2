use std::{fmt, time::Duration};

use elector_core::{Purpose, millis};
use serde::{Deserialize, Serialize};

use super::Selector;

/// A fault of some messages and not of others. A message that several of these cover is struck by
/// the oldest one.
///
/// In files: `messages = { kind = "HeartbeatAck", to = "leader", delay_ms = 200, times = 1 }`. It
/// holds for `times` messages, or else until `heal` or the end of all faults. Nodes are named at
/// the moment of the step. A cut link loses a message before this can strike it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessageFault {
    /// Messages of this kind only, by [`Message::kind`](elector_core::Message::kind). A kind that
    /// an algorithm does not have strikes nothing.
    pub kind: Option<String>,
    /// Messages for this purpose only. Unlike kinds, every algorithm has the same ones.
    pub purpose: Option<Purpose>,
    /// Messages of these senders only.
    pub from: Option<Selector>,
    /// Messages to these receivers only.
    pub to: Option<Selector>,
    /// How much later the message arrives; with `duplicate`, how much later its copy does. Longer
    /// than [`Scenario::rest`](super::Scenario::rest), it may strike after the end of all faults.
    #[serde(rename = "delay_ms", with = "millis")]
    pub delay: Duration,
    /// Whether the message is lost.
    pub lose: bool,
    /// Whether the message arrives twice, the copy with a latency of its own.
    pub duplicate: bool,
    /// The probability that a message which is covered is struck. Default 1.
    pub chance: f64,
    /// How many messages are struck; `None` for no limit.
    pub times: Option<u64>,
}

impl Default for MessageFault {
    fn default() -> Self {
        Self {
            kind: None,
            purpose: None,
            from: None,
            to: None,
            delay: Duration::ZERO,
            lose: false,
            duplicate: false,
            chance: 1.0,
            times: None,
        }
    }
}

impl MessageFault {
    /// What is wrong with it besides its delay, in words.
    pub(crate) fn wrong(&self) -> Option<&'static str> {
        let altered = self.duplicate || !self.delay.is_zero();
        if !self.lose && !altered {
            return Some("messages needs an effect: delay_ms, lose or duplicate");
        }
        if self.lose && altered {
            return Some("a lost message is neither late nor duplicated: give lose or the others");
        }
        if !(self.chance > 0.0 && self.chance <= 1.0) {
            return Some("chance is a probability: above 0, and 1 at most");
        }
        (self.times == Some(0)).then_some("messages strikes none with times = 0")
    }
}

/// As a note in a trace has it: `messages: HeartbeatAck to leader, late by 200ms, once`.
impl fmt::Display for MessageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("messages:")?;
        match (&self.kind, self.purpose) {
            (Some(kind), _) => write!(f, " {kind}")?,
            (None, Some(Purpose::Election)) => f.write_str(" election")?,
            (None, Some(Purpose::Liveness)) => f.write_str(" liveness")?,
            (None, Some(Purpose::Application)) => f.write_str(" application")?,
            (None, None) => f.write_str(" all")?,
        }
        for (word, nodes) in [("from", self.from), ("to", self.to)] {
            if let Some(nodes) = nodes {
                write!(f, " {word} {nodes}")?;
            }
        }
        if self.lose {
            f.write_str(", lost")?;
        }
        if self.duplicate {
            f.write_str(", duplicated")?;
        }
        if !self.delay.is_zero() {
            write!(f, ", late by {:?}", self.delay)?;
        }
        if self.chance < 1.0 {
            write!(f, ", {:.0} % of them", self.chance * 100.0)?;
        }
        match self.times {
            Some(1) => f.write_str(", once"),
            Some(times) => write!(f, ", {times} times"),
            None => Ok(()),
        }
    }
}
