use std::{fmt, time::Duration};

use elector_core::{Purpose, millis};
use serde::{Deserialize, Serialize};

use super::Selector;

/// A fault that delays, duplicates or loses some messages. If several faults cover a message, only
/// one of them applies: the oldest fault whose random draw succeeds. The draw succeeds with the
/// probability `chance`.
///
/// In files: `messages = { kind = "HeartbeatAck", to = "leader", delay_ms = 200, times = 1 }`. The
/// fault applies to `times` messages; without `times` it is in effect until `heal` or until the end
/// of all faults. The selectors `from` and `to` select nodes at the moment of the step. A message
/// on a cut link is lost before this fault can apply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MessageFault {
    /// If set, the fault covers only messages of this kind: see
    /// [`Message::kind`](elector_core::Message::kind). If the algorithm does not have this kind,
    /// the fault covers nothing.
    pub kind: Option<String>,
    /// If set, the fault covers only messages for this purpose. The kinds of messages differ
    /// between algorithms; the purposes do not.
    pub purpose: Option<Purpose>,
    /// If set, the fault covers only messages of these senders.
    pub from: Option<Selector>,
    /// If set, the fault covers only messages to these receivers.
    pub to: Option<Selector>,
    /// The additional delay of the message or, with `duplicate`, of its copy. If it is longer than
    /// [`Scenario::rest`](super::Scenario::rest), the message may arrive after the end of all
    /// faults.
    #[serde(rename = "delay_ms", with = "millis")]
    pub delay: Duration,
    /// Whether the message is lost.
    pub lose: bool,
    /// Whether the message arrives twice. The copy has its own latency.
    pub duplicate: bool,
    /// The probability that the fault applies to a message that it covers. Default: 1.
    pub chance: f64,
    /// The number of messages to which the fault applies; `None` for no limit.
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
    /// Returns the problem with this fault as text, if there is one. This method does not check the
    /// length of the delay: `limits::of_action` does.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let altered = self.duplicate || !self.delay.is_zero();
        if !self.lose && !altered {
            return Some("messages needs an effect: give delay_ms, lose or duplicate");
        }
        if self.lose && altered {
            return Some("a lost message cannot be late or duplicated: give lose, or the others");
        }
        if !(self.chance > 0.0 && self.chance <= 1.0) {
            return Some("chance is a probability: give a number above 0, and at most 1");
        }
        (self.times == Some(0)).then_some("messages has no effect with times = 0: give 1 or more")
    }
}

/// The text of a note in a trace: `messages: HeartbeatAck to leader, late by 200ms, once`.
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
