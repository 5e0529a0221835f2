//! The record of what happened, for every host. Tests compare records, and timelines and space-time
//! diagrams are drawn from them.
//!
//! A record has the algorithm's own values: messages (`M`), timers (`T`) and durable states (`D`).
//! [`RecordOf`] is the record of an algorithm. [`Record::to_text`] replaces these values by their
//! `Debug` text, for tools that know no algorithm. The result is a [`Record`] without type
//! parameters.
//!
//! Numbers lead from an event to its cause. What a step requests or shows has the number of that
//! step. The step itself names its input. A received message has the same number as the message
//! that was sent. The numbers of steps begin again at each [`Event::Booted`] of the node.
//!
//! A trace file has one JSON object per line. A file of any algorithm can be read as a
//! `Record<serde_json::Value, serde_json::Value, serde_json::Value>`.

mod mapping;

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    Command, ElectionAlgorithm, Input, Message, NodeId, Outgoing, Purpose, Step, TimerChange, View,
    nanos,
};

/// The record of the algorithm `A`.
pub type RecordOf<A> = Record<
    <A as ElectionAlgorithm>::Message,
    <A as ElectionAlgorithm>::Timer,
    <A as ElectionAlgorithm>::Durable,
>;

/// An event of the algorithm `A`.
pub type EventOf<A> = Event<
    <A as ElectionAlgorithm>::Message,
    <A as ElectionAlgorithm>::Timer,
    <A as ElectionAlgorithm>::Durable,
>;

/// An event at one node, or in the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<M = String, T = String, D = String> {
    /// The host's time, in nanoseconds since the start of the run.
    pub at_ns: u64,
    /// The node; `None` for an event of the network as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The event.
    #[serde(flatten)]
    pub event: Event<M, T, D>,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<M = String, T = String, D = String> {
    /// The algorithm handled an input.
    Stepped {
        /// The number of the step in this life of the node.
        step: u64,
        /// The input.
        input: Stimulus<M, T>,
    },
    /// The node sent a message.
    Sent {
        /// The step that sent it.
        step: u64,
        /// The number of this message in the whole trace. A duplicate of the message has the same
        /// number.
        id: u64,
        /// The receiver.
        to: NodeId,
        /// [`Message::kind`].
        kind: String,
        /// [`Message::purpose`].
        purpose: Purpose,
        /// The message.
        message: M,
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
        /// The step that changed the timer.
        step: u64,
        /// The timer.
        timer: T,
        /// The bounds in nanoseconds; `None` if the timer was cancelled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bounds_ns: Option<(u64, u64)>,
    },
    /// A step requested a write of its durable state.
    Persisting {
        /// The step.
        step: u64,
        /// The state.
        durable: D,
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
    /// An invariant was violated.
    Violated {
        /// The name of the invariant: [`Invariant::name`](crate::invariants::Invariant::name).
        invariant: String,
        /// What was seen.
        detail: String,
    },
    /// A note of the host for the reader: a step of a scenario, or a change of the network.
    Note {
        /// The text.
        text: String,
    },
}

/// An [`Input`]. A received message also has its number and its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Stimulus<M = String, T = String> {
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
        /// The message.
        message: M,
    },
    /// See [`Input::Elapsed`].
    Elapsed {
        /// The timer.
        timer: T,
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

impl<M: Message, T: Clone> Stimulus<M, T> {
    /// Describes `input`. `id` is the host's number of the message, if the input is a message.
    #[must_use]
    pub fn of(input: &Input<M, T>, id: u64) -> Self {
        match input {
            Input::Started => Self::Started,
            Input::Received { from, message } => Self::Received {
                from: *from,
                id,
                kind: message.kind().into(),
                message: message.clone(),
            },
            Input::Elapsed(timer) => Self::Elapsed {
                timer: timer.clone(),
            },
            Input::Suspected(peer) => Self::Suspected { peer: *peer },
            Input::Silent(peer) => Self::Silent { peer: *peer },
            Input::Died(peer) => Self::Died { peer: *peer },
            Input::Returned(peer) => Self::Returned { peer: *peer },
            Input::Commanded(command) => Self::Commanded {
                command: command.clone(),
            },
        }
    }
}

impl<M: Message, T, D> Event<M, T, D> {
    /// Describes a message that step `step` sends as number `id`.
    #[must_use]
    pub fn sent(step: u64, id: u64, out: &Outgoing<M>) -> Self {
        Self::Sent {
            step,
            id,
            to: out.to,
            kind: out.message.kind().into(),
            purpose: out.message.purpose(),
            message: out.message.clone(),
        }
    }

    /// Describes the requests of a step that do not wait for the gate: the write, then the timer
    /// changes.
    #[must_use]
    pub fn requested_by<A>(step: &Step<A>) -> Vec<Self>
    where
        A: ElectionAlgorithm<Message = M, Timer = T, Durable = D>,
        T: Copy,
        D: Clone,
    {
        let number = step.number;
        let persist = step.persist.clone().map(|durable| Self::Persisting {
            step: number,
            durable,
        });
        let timers = step.timers.iter().map(|change| Self::Timer {
            step: number,
            timer: change.timer(),
            bounds_ns: match change {
                TimerChange::Set(_, delay) => Some((nanos(delay.min), nanos(delay.max))),
                TimerChange::Cancel(_) => None,
            },
        });
        persist.into_iter().chain(timers).collect()
    }
}
