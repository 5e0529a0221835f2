use std::{collections::VecDeque, fmt, mem};

use elector_core::{Message, NodeId};

use super::command::Selection;

/// A message in flight.
#[derive(Clone)]
pub(super) struct Flight<M> {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) message: M,
}

/// All messages in flight, in send order.
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

    /// Removes the oldest message in flight and returns it.
    pub(super) fn pop(&mut self) -> Option<Flight<M>> {
        self.0.pop_front()
    }

    /// Returns one line of text for each message.
    pub(super) fn list(&self) -> Vec<String> {
        self.0.iter().map(Flight::to_string).collect()
    }

    /// Removes the selected messages and returns them. Returns an error if no message is selected.
    pub(super) fn take(&mut self, selection: Selection<'_>) -> Result<Vec<Flight<M>>, String> {
        let places = self.places(selection)?;
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

    /// Returns copies of the selected messages, or an error if no message is selected.
    pub(super) fn copies(&self, selection: Selection<'_>) -> Result<Vec<Flight<M>>, String> {
        let places = self.places(selection)?.into_iter();
        Ok(places
            .filter_map(|place| self.0.get(place).cloned())
            .collect())
    }

    fn places(&self, selection: Selection<'_>) -> Result<Vec<usize>, String> {
        let limit = match selection {
            Selection::All | Selection::Kind(_) => usize::MAX,
            Selection::Link { .. } => 1,
        };
        let all = self.0.iter().enumerate();
        let places: Vec<usize> = all
            .filter(|(_, flight)| flight.is(selection))
            .map(|(place, _)| place)
            .take(limit)
            .collect();
        if places.is_empty() {
            let list = if self.is_empty() {
                "nothing".into()
            } else {
                self.list().join("; ")
            };
            return Err(format!("no such message is in flight; in flight: {list}"));
        }
        Ok(places)
    }
}

impl<M: Message> Flight<M> {
    fn is(&self, selection: Selection<'_>) -> bool {
        match selection {
            Selection::All => true,
            Selection::Kind(kind) => self.message.kind() == kind,
            Selection::Link { from, to, kind } => {
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

/// Returns the `Debug` text of a message. If this text does not begin with the kind of the message,
/// the kind is put in front of it.
pub(super) fn text<M: Message>(message: &M) -> String {
    let (kind, text) = (message.kind(), format!("{message:?}"));
    if text.starts_with(kind) {
        text
    } else {
        format!("{kind} {text}")
    }
}
