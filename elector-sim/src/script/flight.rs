use std::{collections::VecDeque, fmt, mem};

use elector_core::{Message, NodeId};

use super::command::Choice;

/// A message in flight.
#[derive(Clone)]
pub(super) struct Flight<M> {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) message: M,
}

/// Everything in flight, in send order.
pub(super) struct Flights<M>(VecDeque<Flight<M>>);

impl<M: Message> Flights<M> {
    pub(super) fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, flight: Flight<M>) {
        self.0.push_back(flight);
    }

    /// Takes the oldest.
    pub(super) fn pop(&mut self) -> Option<Flight<M>> {
        self.0.pop_front()
    }

    /// One line for each.
    pub(super) fn list(&self) -> Vec<String> {
        self.0.iter().map(Flight::to_string).collect()
    }

    /// Takes the chosen ones out; an error if there are none.
    pub(super) fn take(&mut self, choice: Choice<'_>) -> Result<Vec<Flight<M>>, String> {
        let places = self.places(choice)?;
        let mut taken = Vec::new();
        for (place, flight) in mem::take(&mut self.0).into_iter().enumerate() {
            if places.binary_search(&place).is_ok() {
                taken.push(flight);
            } else {
                self.0.push_back(flight);
            }
        }
        Ok(taken)
    }

    /// Copies of the chosen ones; an error if there are none.
    pub(super) fn copies(&self, choice: Choice<'_>) -> Result<Vec<Flight<M>>, String> {
        let places = self.places(choice)?.into_iter();
        Ok(places
            .filter_map(|place| self.0.get(place).cloned())
            .collect())
    }

    fn places(&self, choice: Choice<'_>) -> Result<Vec<usize>, String> {
        let limit = match choice {
            Choice::All | Choice::Kind(_) => usize::MAX,
            Choice::Link { .. } => 1,
        };
        let all = self.0.iter().enumerate();
        let places: Vec<usize> = all
            .filter(|(_, flight)| flight.is(choice))
            .map(|(place, _)| place)
            .take(limit)
            .collect();
        if places.is_empty() {
            let list = if self.is_empty() {
                "nothing".into()
            } else {
                self.list().join("; ")
            };
            return Err(format!("no such message is in flight; there is {list}"));
        }
        Ok(places)
    }
}

impl<M: Message> Flight<M> {
    fn is(&self, choice: Choice<'_>) -> bool {
        match choice {
            Choice::All => true,
            Choice::Kind(kind) => self.message.kind() == kind,
            Choice::Link { from, to, kind } => {
                (self.from, self.to) == (from, to)
                    && kind.is_none_or(|kind| self.message.kind() == kind)
            }
        }
    }
}

impl<M: Message> fmt::Display for Flight<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, message } = self;
        write!(f, "{from:?} -> {to:?} {}", text(message))
    }
}

/// The `Debug` text of a message, its kind in front where that does not begin with it.
pub(super) fn text<M: Message>(message: &M) -> String {
    let (kind, text) = (message.kind(), format!("{message:?}"));
    if text.starts_with(kind) {
        text
    } else {
        format!("{kind} {text}")
    }
}
