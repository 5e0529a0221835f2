use crate::lab::history::{Flight, History};

/// The kinds of messages, in the order in which they first appear: those of elections,
/// then those that are only ever routine.
#[derive(Debug)]
pub(super) struct Kinds<'a>(Vec<Kind<'a>>);

/// One kind of message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Whether no election has one.
    pub(super) routine: bool,
    /// How many are drawn.
    pub(super) count: usize,
}

impl<'a> Kinds<'a> {
    /// Kinds are numbered by the whole run, so that all windows on it give them the same looks.
    pub(super) fn of(history: &History<'a>, drawn: &[&Flight<'a>]) -> Self {
        let mut kinds: Vec<Kind<'a>> = Vec::new();
        let routine = |wanted: bool| {
            let flights = history.flights.iter();
            flights.filter(move |flight| flight.is_routine() == wanted)
        };
        for flight in routine(false).chain(routine(true)) {
            if kinds.iter().all(|kind| kind.name != flight.kind) {
                kinds.push(Kind {
                    name: flight.kind,
                    routine: flight.is_routine(),
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

    /// Those drawn, each with its number.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Kind<'a>)> {
        let all = self.0.iter().enumerate();
        all.filter(|(_, kind)| kind.count > 0)
    }

    /// The number of a kind.
    pub(super) fn number(&self, name: &str) -> usize {
        let place = self.0.iter().position(|kind| kind.name == name);
        place.unwrap_or_default()
    }
}
