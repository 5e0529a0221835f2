use crate::history::Flight;

/// The kinds of the messages drawn, in the order in which they first appear: those of elections,
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
    pub(super) fn of(drawn: &[&Flight<'a>]) -> Self {
        let mut kinds: Vec<Kind<'a>> = Vec::new();
        let mut ordered = drawn.to_vec();
        ordered.sort_by_key(|flight| flight.sent_ns);
        for flight in ordered {
            let known = kinds.iter_mut().find(|kind| kind.name == flight.kind);
            if let Some(kind) = known {
                kind.count += 1;
                kind.routine &= flight.is_routine();
            } else {
                kinds.push(Kind {
                    name: flight.kind,
                    routine: flight.is_routine(),
                    count: 1,
                });
            }
        }
        kinds.sort_by_key(|kind| kind.routine);
        Self(kinds)
    }

    /// Each with its number.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &Kind<'a>)> {
        self.0.iter().enumerate()
    }

    /// The number of a kind.
    pub(super) fn number(&self, name: &str) -> usize {
        let place = self.0.iter().position(|kind| kind.name == name);
        place.unwrap_or_default()
    }
}
