//! The one record of what happened, for every host: what tests compare, and what timelines and
//! space-time diagrams are drawn from.
//!
//! A trace file is one JSON object a line. Message contents are kept as their `Debug` text: a
//! trace is read by people and drawn by tools that know no algorithm.

use alloc::{format, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    Command, ElectionAlgorithm, Input, Message, NodeId, Outgoing, Purpose, Step, TimerChange, View,
    nanos,
};

/// Something that happened at one node, or to the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Host time, in nanoseconds since the start of the run.
    pub at_ns: u64,
    /// Where; `None` for an event of the network as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An input was stepped.
    Stepped {
        /// The number of the step in this life of the node.
        step: u64,
        /// The input.
        input: Stimulus,
    },
    /// A message left the node.
    Sent {
        /// The step that sent it.
        step: u64,
        /// Names this one message all through the trace; a duplicate delivery keeps it.
        id: u64,
        /// The peer it goes to.
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
        /// The node it was for.
        to: NodeId,
        /// Why.
        why: Loss,
    },
    /// A timer was set or cancelled.
    Timer {
        /// The step that ordered it.
        step: u64,
        /// Its `Debug` text.
        timer: String,
        /// Bounds in nanoseconds; `None` if it was cancelled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bounds_ns: Option<(u64, u64)>,
    },
    /// A step asked for its durable state to be written.
    Persisting {
        /// The step.
        step: u64,
        /// The state's `Debug` text.
        detail: String,
    },
    /// The write that this step asked for is durable.
    Persisted {
        /// The step.
        step: u64,
    },
    /// The node published a new view.
    Viewed {
        /// The step it comes from.
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
    /// The node's process ended; what was not durable is lost.
    Crashed,
    /// The node's process runs again, or for the first time.
    Booted,
    /// The node stopped running but did not end, as under SIGSTOP.
    Paused,
    /// A paused node runs again.
    Resumed,
    /// The node's disk lost everything.
    Wiped,
    /// From now on exactly these directed links deliver nothing; empty: all do.
    Cut {
        /// `(from, to)`, in ascending order.
        blocked: Vec<(NodeId, NodeId)>,
    },
    /// A word of the host to the reader: a scenario's step, a change of the network.
    Note {
        /// The word.
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
        /// The message, as in [`Event::Sent`]; 0 where the host does not number messages.
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
    /// Describes `input`; `id` is the host's number of the message, if it is one.
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
    /// Describes a message that leaves in step `step` as number `id`.
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

    /// Describes what a step orders before the gate: the write, then the timers.
    #[must_use]
    pub fn requested_by<A: ElectionAlgorithm>(step: &Step<A>) -> Vec<Self> {
        let number = step.number;
        let persist = step.persist.as_ref();
        let persist = persist.map(|durable| Self::Persisting {
            step: number,
            detail: format!("{durable:?}"),
        });
        let timers = step.timers.iter().map(|order| match order {
            TimerChange::Set(timer, delay) => Self::Timer {
                step: number,
                timer: format!("{timer:?}"),
                bounds_ns: Some((nanos(delay.min), nanos(delay.max))),
            },
            TimerChange::Cancel(timer) => Self::Timer {
                step: number,
                timer: format!("{timer:?}"),
                bounds_ns: None,
            },
        });
        persist.into_iter().chain(timers).collect()
    }
}
