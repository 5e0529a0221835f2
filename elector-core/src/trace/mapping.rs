//! Replaces the values in trace records (messages, timers and durable states) by texts, or by
//! values of any other type.

use alloc::{format, string::String};
use core::fmt;

use super::{Event, Record, Stimulus};

impl<M, T, D> Record<M, T, D> {
    /// Returns this record with other values: each message, timer and durable state is replaced by
    /// the result of the function for it. A function can return, for example, the value as JSON, or
    /// the value without the fields that do not matter.
    #[must_use]
    pub fn map<N, U, E>(
        &self,
        message: impl FnOnce(&M) -> N,
        timer: impl FnOnce(&T) -> U,
        durable: impl FnOnce(&D) -> E,
    ) -> Record<N, U, E> {
        Record {
            at_ns: self.at_ns,
            node: self.node,
            event: self.event.mapped(message, timer, durable),
        }
    }
}

impl<M: fmt::Debug, T: fmt::Debug, D: fmt::Debug> Record<M, T, D> {
    /// Returns the record with each message, timer and durable state replaced by its `Debug` text.
    #[must_use]
    pub fn to_text(&self) -> Record {
        self.map(text, text, text)
    }
}

impl<M: fmt::Debug, T: fmt::Debug, D: fmt::Debug> Event<M, T, D> {
    /// Returns the event with each message, timer and durable state replaced by its `Debug` text.
    #[must_use]
    pub fn to_text(&self) -> Event {
        self.mapped(text, text, text)
    }
}

fn text<V: fmt::Debug>(value: &V) -> String {
    format!("{value:?}")
}

impl<M, T, D> Event<M, T, D> {
    fn mapped<N, U, E>(
        &self,
        on_message: impl FnOnce(&M) -> N,
        on_timer: impl FnOnce(&T) -> U,
        on_durable: impl FnOnce(&D) -> E,
    ) -> Event<N, U, E> {
        match self {
            Self::Stepped { step, input } => Event::Stepped {
                step: *step,
                input: input.mapped(on_message, on_timer),
            },
            Self::Sent {
                step,
                id,
                to,
                kind,
                purpose,
                message,
            } => Event::Sent {
                step: *step,
                id: *id,
                to: *to,
                kind: kind.clone(),
                purpose: *purpose,
                message: on_message(message),
            },
            &Self::Lost { id, to, why } => Event::Lost { id, to, why },
            Self::Timer {
                step,
                timer,
                bounds_ns,
            } => Event::Timer {
                step: *step,
                timer: on_timer(timer),
                bounds_ns: *bounds_ns,
            },
            Self::Persisting { step, durable } => Event::Persisting {
                step: *step,
                durable: on_durable(durable),
            },
            &Self::Persisted { step } => Event::Persisted { step },
            &Self::Viewed { step, view } => Event::Viewed { step, view },
            Self::Refused { step, reason } => Event::Refused {
                step: *step,
                reason: reason.clone(),
            },
            Self::Crashed => Event::Crashed,
            Self::Booted => Event::Booted,
            Self::Paused => Event::Paused,
            Self::Resumed => Event::Resumed,
            Self::Wiped => Event::Wiped,
            Self::Cut { blocked } => Event::Cut {
                blocked: blocked.clone(),
            },
            Self::Violated { invariant, detail } => Event::Violated {
                invariant: invariant.clone(),
                detail: detail.clone(),
            },
            Self::Note { text } => Event::Note { text: text.clone() },
        }
    }
}

impl<M, T> Stimulus<M, T> {
    fn mapped<N, U>(
        &self,
        on_message: impl FnOnce(&M) -> N,
        on_timer: impl FnOnce(&T) -> U,
    ) -> Stimulus<N, U> {
        match self {
            Self::Started => Stimulus::Started,
            Self::Received {
                from,
                id,
                kind,
                message,
            } => Stimulus::Received {
                from: *from,
                id: *id,
                kind: kind.clone(),
                message: on_message(message),
            },
            Self::Elapsed { timer } => Stimulus::Elapsed {
                timer: on_timer(timer),
            },
            &Self::Suspected { peer } => Stimulus::Suspected { peer },
            &Self::Silent { peer } => Stimulus::Silent { peer },
            &Self::Died { peer } => Stimulus::Died { peer },
            &Self::Returned { peer } => Stimulus::Returned { peer },
            Self::Commanded { command } => Stimulus::Commanded {
                command: command.clone(),
            },
        }
    }
}
