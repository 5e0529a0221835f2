use crate::lab::history::{Flight, History};

/// The kinds of the messages of a run: first the kinds of which a message belongs to an election,
/// then the kinds of which all messages are routine. Both groups are in the order of their first
/// use.
#[derive(Debug)]
pub(super) struct Kinds<'a>(Vec<Kind<'a>>);

/// One kind of message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind<'a> {
    /// The name of the kind.
    pub(super) name: &'a str,
    /// Whether all messages of this kind are routine: heartbeats or their acknowledgements.
    pub(super) is_routine: bool,
    /// How many messages of this kind are drawn.
    pub(super) count: usize,
}

impl<'a> Kinds<'a> {
    /// Collects the kinds. The number of a kind is its place in the list. The numbers depend on the
    /// whole run, and not on the drawn messages, so that a kind looks the same in all windows of
    /// the run.
    pub(super) fn of(history: &History<'a>, drawn: &[&Flight<'a>]) -> Self {
        let mut kinds: Vec<Kind<'a>> = Vec::new();
        let flights = history.flights.iter();
        let election = flights.clone().filter(|flight| !flight.is_routine());
        for flight in election.chain(flights.filter(|flight| flight.is_routine())) {
            if kinds.iter().all(|kind| kind.name != flight.kind) {
                kinds.push(Kind {
                    name: flight.kind,
                    is_routine: flight.is_routine(),
                    count: 0,
                });
            }
        }
        for flight in drawn {
            if let Some(kind) = kinds.iter_mut().find(|kind| kind.name == flight.kind) {
                kind.count += 1;
            }
        }
        Self(kinds)
    }

    /// Returns the kinds that are drawn, each with its number.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Kind<'a>)> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, kind)| kind.count > 0)
    }

    /// Returns the number of the kind with this name, which decides its colour and its dashes.
    pub(super) fn number(&self, name: &str) -> usize {
        let place = self.0.iter().position(|kind| kind.name == name);
        place.unwrap_or_default()
    }
}
