use elector_core::{Message, nanos};

use crate::{rng::Rng, scenario::MessageFault};

/// The faults of single messages that are in effect now, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    fault: MessageFault,
    /// The positions of the senders; `None` for all nodes.
    from: Option<Vec<usize>>,
    /// The positions of the receivers; `None` for all nodes.
    to: Option<Vec<usize>>,
}

/// How the faults change one message. The default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Struck {
    pub(crate) lost: bool,
    pub(crate) duplicated: bool,
    /// The delay of the message, in nanoseconds.
    pub(crate) late: u64,
    /// The delay of its copy, in nanoseconds.
    pub(crate) copy_late: u64,
}

impl Rules {
    pub(crate) fn add(
        &mut self,
        fault: MessageFault,
        from: Option<Vec<usize>>,
        to: Option<Vec<usize>>,
    ) {
        self.0.push(Rule { fault, from, to });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Applies the oldest fault that covers this message. `link` is the sender and the receiver.
    /// Draws nothing if no fault with a chance below 1 covers the message.
    pub(crate) fn strike<M: Message>(
        &mut self,
        link: (usize, usize),
        message: &M,
        rng: &mut Rng,
    ) -> Struck {
        let mut rules = self.0.iter();
        let strikes = |rule: &Rule| {
            let chance = rule.fault.chance;
            rule.covers(link, message) && (chance >= 1.0 || rng.chance(chance))
        };
        let Some(place) = rules.position(strikes) else {
            return Struck::default();
        };
        let fault = &mut self.0[place].fault;
        let delay = nanos(fault.delay);
        let (late, copy_late) = if fault.duplicate {
            (0, delay)
        } else {
            (delay, 0)
        };
        let struck = Struck {
            lost: fault.lose,
            duplicated: fault.duplicate,
            late,
            copy_late,
        };
        fault.times = fault.times.map(|times| times.saturating_sub(1));
        if fault.times == Some(0) {
            self.0.remove(place);
        }
        struck
    }
}

impl Rule {
    fn covers<M: Message>(&self, (from, to): (usize, usize), message: &M) -> bool {
        let among = |nodes: &Option<Vec<usize>>, node| {
            nodes.as_ref().is_none_or(|nodes| nodes.contains(&node))
        };
        let fault = &self.fault;
        fault
            .purpose
            .is_none_or(|purpose| purpose == message.purpose())
            && fault
                .kind
                .as_ref()
                .is_none_or(|kind| kind == message.kind())
            && among(&self.from, from)
            && among(&self.to, to)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use elector_core::Purpose;
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    struct Ping;

    impl Message for Ping {
        fn kind(&self) -> &'static str {
            "Ping"
        }

        fn purpose(&self) -> Purpose {
            Purpose::Liveness
        }
    }

    fn lost(fault: MessageFault) -> MessageFault {
        MessageFault {
            lose: true,
            ..fault
        }
    }

    fn strikes(fault: MessageFault, from: Option<Vec<usize>>, to: Option<Vec<usize>>) -> bool {
        let mut rules = Rules::default();
        rules.add(lost(fault), from, to);
        rules.strike((0, 1), &Ping, &mut Rng::new(1)).lost
    }

    // A fault of some messages must not change other messages.
    #[test]
    fn a_rule_covers_what_it_names_and_nothing_else() {
        let kind = |kind: &str| MessageFault {
            kind: Some(kind.to_owned()),
            ..MessageFault::default()
        };
        let purpose = |purpose| MessageFault {
            purpose: Some(purpose),
            ..MessageFault::default()
        };
        let all = MessageFault::default;
        assert!(strikes(all(), None, None));
        assert!(strikes(kind("Ping"), None, None) && !strikes(kind("Pong"), None, None));
        assert!(strikes(purpose(Purpose::Liveness), None, None));
        assert!(!strikes(purpose(Purpose::Election), None, None));
        assert!(strikes(all(), Some(vec![0]), Some(vec![2, 1])));
        assert!(!strikes(all(), Some(vec![1]), None) && !strikes(all(), None, Some(vec![0])));
    }

    // Scenarios build single late messages from a fault that applies to the next message only.
    #[test]
    fn a_rule_ends_after_its_times_and_the_next_takes_over() {
        let mut rules = Rules::default();
        let once = MessageFault {
            times: Some(1),
            ..MessageFault::default()
        };
        rules.add(lost(once), None, None);
        let copies = MessageFault {
            delay: Duration::from_nanos(7),
            duplicate: true,
            ..MessageFault::default()
        };
        rules.add(copies, None, None);
        let mut strike = || rules.strike((0, 1), &Ping, &mut Rng::new(1));
        assert!(strike().lost);
        let copied = Struck {
            duplicated: true,
            copy_late: 7,
            ..Struck::default()
        };
        assert_eq!((strike(), strike()), (copied, copied));
    }

    // A fault that covers no message must not change the fingerprint of a run.
    #[test]
    fn only_a_chance_draws() {
        let chance = MessageFault {
            chance: 0.5,
            ..MessageFault::default()
        };
        let left = |fault: MessageFault, to| {
            let (mut rules, mut rng) = (Rules::default(), Rng::new(1));
            rules.add(lost(fault), None, Some(vec![to]));
            rules.strike((0, 1), &Ping, &mut rng);
            rng.below(u64::MAX)
        };
        let fresh = Rng::new(1).below(u64::MAX);
        assert_eq!(left(MessageFault::default(), 1), fresh);
        assert_eq!(left(chance.clone(), 2), fresh, "not covered");
        assert_ne!(left(chance, 1), fresh);
    }
}
