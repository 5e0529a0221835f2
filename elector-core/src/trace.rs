//! The record of what happened, for every host. Tests compare records, and timelines and space-time
//! diagrams are drawn from them.
//!
//! A trace file has one JSON object per line. The contents of messages are kept as their `Debug`
//! text: people read a trace, and the tools that draw it know no algorithm.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    Command, ElectionAlgorithm, Input, Message, NodeId, Outgoing, Purpose, Step, TimerChange, View,
    nanos,
};

/// An event at one node, or in the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The host's time, in nanoseconds since the start of the run.
    pub at_ns: u64,
    /// The node; `None` for an event of the network as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The algorithm handled an input.
    Stepped {
        /// The number of the step in this life of the node.
        step: u64,
        /// The input.
        input: Stimulus,
    },
    /// The node sent a message.
    Sent {
        /// The step that sent it.
        step: u64,
        /// The number of this message in the whole trace. A duplicate delivery keeps it.
        id: u64,
        /// The receiver.
        to: NodeId,
        /// [`Message::kind`].
        kind: String,
        /// [`Message::purpose`].
        purpose: Purpose,
        /// Its `Debug` text.
        detail: String,
    },
    /// A message will never arrive.
    Lost {
        /// The message.
        id: u64,
        /// The receiver.
        to: NodeId,
        /// The reason.
        why: Loss,
    },
    /// A timer was set or cancelled.
    Timer {
        /// The step that changed it.
        step: u64,
        /// Its `Debug` text.
        timer: String,
        /// The bounds in nanoseconds; `None` if the timer was cancelled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bounds_ns: Option<(u64, u64)>,
    },
    /// A step requested a write of its durable state.
    Persisting {
        /// The step.
        step: u64,
        /// The state's `Debug` text.
        detail: String,
    },
    /// The write of this step is durable.
    Persisted {
        /// The step.
        step: u64,
    },
    /// The node published a new view.
    Viewed {
        /// The step of the view.
        step: u64,
        /// The view.
        view: View,
    },
    /// A command was refused.
    Refused {
        /// The step.
        step: u64,
        /// The reason.
        reason: String,
    },
    /// The node's process ended. What was not durable is lost.
    Crashed,
    /// The node's process started, for the first time or again.
    Booted,
    /// The node stopped running but did not end, as after SIGSTOP.
    Paused,
    /// A paused node runs again.
    Resumed,
    /// The node's disk lost all data.
    Wiped,
    /// From now on exactly these directed links deliver nothing. If the list is empty, all links
    /// deliver.
    Cut {
        /// `(from, to)`, in ascending order.
        blocked: Vec<(NodeId, NodeId)>,
    },
    /// A note of the host for the reader: a step of a scenario, or a change of the network.
    Note {
        /// The text.
        text: String,
    },
}

/// [`Input`] without its type parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Stimulus {
    /// See [`Input::Started`].
    Started,
    /// See [`Input::Received`].
    Received {
        /// The authenticated sender.
        from: NodeId,
        /// The number of the message, as in [`Event::Sent`]; 0 if the host does not number
        /// messages.
        id: u64,
        /// [`Message::kind`].
        kind: String,
        /// Its `Debug` text.
        detail: String,
    },
    /// See [`Input::Elapsed`].
    Elapsed {
        /// The timer's `Debug` text.
        timer: String,
    },
    /// See [`Input::Suspected`].
    Suspected {
        /// The peer.
        peer: NodeId,
    },
    /// See [`Input::Silent`].
    Silent {
        /// The peer.
        peer: NodeId,
    },
    /// See [`Input::Died`].
    Died {
        /// The peer.
        peer: NodeId,
    },
    /// See [`Input::Returned`].
    Returned {
        /// The peer.
        peer: NodeId,
    },
    /// See [`Input::Commanded`].
    Commanded {
        /// The command.
        command: Command,
    },
}

/// Why a message will never arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// The network lost it by chance.
    Chance,
    /// The link was cut.
    Cut,
    /// The receiver was not running.
    Dead,
    /// A queue was full.
    Full,
}

impl Stimulus {
    /// Describes `input`. `id` is the host's number of the message, if the input is a message.
    #[must_use]
    pub fn of<A: ElectionAlgorithm>(input: &Input<A::Message, A::Timer>, id: u64) -> Self {
        match input {
            Input::Started => Self::Started,
            Input::Received { from, message } => Self::Received {
                from: *from,
                id,
                kind: message.kind().into(),
                detail: format!("{message:?}"),
            },
            Input::Elapsed(timer) => Self::Elapsed {
                timer: format!("{timer:?}"),
            },
            Input::Suspected(peer) => Self::Suspected { peer: *peer },
            Input::Silent(peer) => Self::Silent { peer: *peer },
            Input::Died(peer) => Self::Died { peer: *peer },
            Input::Returned(peer) => Self::Returned { peer: *peer },
            Input::Commanded(command) => Self::Commanded { command: *command },
        }
    }
}

impl Event {
    /// Describes a message that step `step` sends as number `id`.
    #[must_use]
    pub fn sent<M: Message>(step: u64, id: u64, out: &Outgoing<M>) -> Self {
        Self::Sent {
            step,
            id,
            to: out.to,
            kind: out.message.kind().into(),
            purpose: out.message.purpose(),
            detail: format!("{:?}", out.message),
        }
    }

    /// Describes what a step requests before the gate: the write, then the timer changes.
    #[must_use]
    pub fn requested_by<A: ElectionAlgorithm>(step: &Step<A>) -> Vec<Self> {
        let number = step.number;
        let persist = step.persist.as_ref();
        let persist = persist.map(|durable| Self::Persisting {
            step: number,
            detail: format!("{durable:?}"),
        });
        let timers = step.timers.iter().map(|change| Self::Timer {
            step: number,
            timer: format!("{:?}", change.timer()),
            bounds_ns: match change {
                TimerChange::Set(_, delay) => Some((nanos(delay.min), nanos(delay.max))),
                TimerChange::Cancel(_) => None,
            },
        });
        persist.into_iter().chain(timers).collect()
    }
}
