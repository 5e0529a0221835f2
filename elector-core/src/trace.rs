//! A trace: what happened in a run, as a list of [`Record`]s, in one format for every host. Tests
//! compare traces, and timelines and space-time diagrams are drawn from them.
//!
//! A record has the algorithm's own values: messages (`M`), timers (`T`) and durable states (`D`).
//! [`RecordOf`] is the record of an algorithm. [`Record::to_text`] replaces these values by their
//! `Debug` text, for tools that do not know the types of the algorithm. The result is a [`Record`]
//! without type parameters.
//!
//! Numbers lead from an event to its cause. An event that a step requests or shows has the number
//! of that step. The [`Event::Stepped`] with this number names the input of the step. If the input
//! is a message, it has the same number as the [`Event::Sent`] of the sender. The numbers of steps
//! begin again at each [`Event::Booted`] of the node.
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

/// A [`Record`] with the messages, timers and durable states of the algorithm `A`.
pub type RecordOf<A> = Record<
    <A as ElectionAlgorithm>::Message,
    <A as ElectionAlgorithm>::Timer,
    <A as ElectionAlgorithm>::Durable,
>;

/// An [`Event`] with the messages, timers and durable states of the algorithm `A`.
pub type EventOf<A> = Event<
    <A as ElectionAlgorithm>::Message,
    <A as ElectionAlgorithm>::Timer,
    <A as ElectionAlgorithm>::Durable,
>;

/// An event at one node or in the network, with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record<M = String, T = String, D = String> {
    /// The time of the event on the host's clock, in nanoseconds since the start of the run.
    pub at_ns: u64,
    /// The node at which the event happened; `None` for an event of the network as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event<M, T, D>,
}

/// What happened at a node or in the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<M = String, T = String, D = String> {
    /// The algorithm handled an input.
    Stepped {
        /// The number of the [`Step`] since the last start of the node's process, from 1.
        step: u64,
        /// The input that the algorithm handled.
        input: Stimulus<M, T>,
    },
    /// The node sent a message.
    Sent {
        /// The number of the [`Step`] that sent the message.
        step: u64,
        /// The number of this message in the whole trace. A duplicate of the message has the same
        /// number.
        id: u64,
        /// The receiver of the message.
        to: NodeId,
        /// The name of the message: [`Message::kind`].
        kind: String,
        /// The purpose of the message: [`Message::purpose`].
        purpose: Purpose,
        /// The message.
        message: M,
    },
    /// A message will never arrive.
    Lost {
        /// The number of the message, as in [`Event::Sent`].
        id: u64,
        /// The receiver of the message.
        to: NodeId,
        /// Why the message will not arrive.
        why: Loss,
    },
    /// A step set or cancelled a timer.
    Timer {
        /// The number of the [`Step`] that changed the timer.
        step: u64,
        /// The timer that the step set or cancelled.
        timer: T,
        /// The shortest and the longest duration of the timer, in nanoseconds; `None` if the step
        /// cancelled the timer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bounds_ns: Option<(u64, u64)>,
    },
    /// A step requested a write of its durable state.
    Persisting {
        /// The number of the [`Step`] that requested the write.
        step: u64,
        /// The durable state that is written.
        durable: D,
    },
    /// The durable state that this step requested to write is on the disk.
    Persisted {
        /// The number of the [`Step`] that requested the write.
        step: u64,
    },
    /// The node published a new view.
    Viewed {
        /// The number of the [`Step`] that changed the view.
        step: u64,
        /// The new view.
        view: View,
    },
    /// The algorithm refused a command.
    Refused {
        /// The number of the [`Step`] that handled the command.
        step: u64,
        /// Why the algorithm refused the command.
        reason: String,
    },
    /// The node's process ended. State of the node that was not durable is lost.
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
        /// The links that deliver nothing, each as `(from, to)`, in ascending order.
        blocked: Vec<(NodeId, NodeId)>,
    },
    /// An invariant was violated.
    Violated {
        /// The name of the invariant: [`Invariant::name`](crate::invariants::Invariant::name).
        invariant: String,
        /// A description of the state or event that violates the invariant.
        detail: String,
    },
    /// A note of the host for the reader, for example that the next action of a scenario begins, or
    /// that the network changes.
    Note {
        /// The text of the note.
        text: String,
    },
}

/// An [`Input`], as a trace contains it. A received message also has its number and its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Stimulus<M = String, T = String> {
    /// See [`Input::Started`].
    Started,
    /// See [`Input::Received`].
    Received {
        /// The sender, as the host authenticated it.
        from: NodeId,
        /// The number of the message, as in [`Event::Sent`]; 0 if the host does not number
        /// messages.
        id: u64,
        /// The name of the message: [`Message::kind`].
        kind: String,
        /// The message.
        message: M,
    },
    /// See [`Input::Elapsed`].
    Elapsed {
        /// The timer that elapsed.
        timer: T,
    },
    /// See [`Input::Suspected`].
    Suspected {
        /// The suspected peer.
        peer: NodeId,
    },
    /// See [`Input::Silent`].
    Silent {
        /// The peer from which the host has received nothing.
        peer: NodeId,
    },
    /// See [`Input::Died`].
    Died {
        /// The peer that has died.
        peer: NodeId,
    },
    /// See [`Input::Returned`].
    Returned {
        /// The peer whose messages the host receives again.
        peer: NodeId,
    },
    /// See [`Input::Commanded`].
    Commanded {
        /// The command of the application.
        command: Command,
    },
}

/// Why a message will never arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// The network lost the message by chance.
    Chance,
    /// The link from the sender to the receiver was cut.
    Cut,
    /// The receiver was not running.
    Dead,
    /// A queue on the way to the receiver was full.
    Full,
}

impl<M: Message, T: Clone> Stimulus<M, T> {
    /// Returns `input` in the form of a trace. If `input` is a message, `id` is the number that the
    /// host has given to it.
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
    /// Returns the event that the [`Step`] with the number `step` sends the message `out`, which
    /// has the number `id` in the trace.
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

    /// Returns the events for the requests of a step that do not wait for the
    /// [`Gate`](crate::Gate): the write, then the timer changes. The gate holds back only what
    /// others can see.
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
