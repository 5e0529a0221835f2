use elector_core::{Message, nanos};

use crate::{rng::Rng, scenario::MessageFault};

/// The faults of single messages that are in effect now, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct ActiveFaults(Vec<ActiveFault>);

#[derive(Debug)]
struct ActiveFault {
    fault: MessageFault,
    /// The positions of the senders whose messages the fault covers; `None` for all nodes.
    from: Option<Vec<usize>>,
    /// The positions of the receivers whose messages the fault covers; `None` for all nodes.
    to: Option<Vec<usize>>,
}

/// How the faults change one message. The default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FaultEffect {
    pub(crate) lost: bool,
    pub(crate) duplicated: bool,
    /// The additional delay of the message, in nanoseconds.
    pub(crate) late: u64,
    /// The additional delay of the copy that the network makes of the message, in nanoseconds.
    pub(crate) copy_late: u64,
}

impl ActiveFaults {
    pub(crate) fn add(
        &mut self,
        fault: MessageFault,
        from: Option<Vec<usize>>,
        to: Option<Vec<usize>>,
    ) {
        self.0.push(ActiveFault { fault, from, to });
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns what the active faults do to this message. At most one fault applies: the oldest
    /// fault that covers the message and whose random draw succeeds. The draw succeeds with the
    /// probability [`MessageFault::chance`]. `link` is the position of the sender and of the
    /// receiver. If no fault with a chance below 1 covers the message, this method draws no random
    /// number.
    pub(crate) fn apply<M: Message>(
        &mut self,
        link: (usize, usize),
        message: &M,
        rng: &mut Rng,
    ) -> FaultEffect {
        let mut faults = self.0.iter();
        let applies = |active: &ActiveFault| {
            let chance = active.fault.chance;
            active.covers(link, message) && (chance >= 1.0 || rng.chance(chance))
        };
        let Some(place) = faults.position(applies) else {
            return FaultEffect::default();
        };
        let fault = &mut self.0[place].fault;
        let delay = nanos(fault.delay);
        let (late, copy_late) = if fault.duplicate {
            (0, delay)
        } else {
            (delay, 0)
        };
        let effect = FaultEffect {
            lost: fault.lose,
            duplicated: fault.duplicate,
            late,
            copy_late,
        };
        fault.times = fault.times.map(|times| times.saturating_sub(1));
        if fault.times == Some(0) {
            self.0.remove(place);
        }
        effect
    }
}

impl ActiveFault {
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

    fn applies(fault: MessageFault, from: Option<Vec<usize>>, to: Option<Vec<usize>>) -> bool {
        let mut faults = ActiveFaults::default();
        faults.add(lost(fault), from, to);
        faults.apply((0, 1), &Ping, &mut Rng::new(1)).lost
    }

    // A fault of some messages must not change other messages.
    #[test]
    fn a_fault_covers_the_selected_messages_and_no_others() {
        let kind = |kind: &str| MessageFault {
            kind: Some(kind.to_owned()),
            ..MessageFault::default()
        };
        let purpose = |purpose| MessageFault {
            purpose: Some(purpose),
            ..MessageFault::default()
        };
        let all = MessageFault::default;
        assert!(applies(all(), None, None));
        assert!(applies(kind("Ping"), None, None) && !applies(kind("Pong"), None, None));
        assert!(applies(purpose(Purpose::Liveness), None, None));
        assert!(!applies(purpose(Purpose::Election), None, None));
        assert!(applies(all(), Some(vec![0]), Some(vec![2, 1])));
        assert!(!applies(all(), Some(vec![1]), None) && !applies(all(), None, Some(vec![0])));
    }

    // A scenario can delay a single message with a fault that applies to one message only. After
    // this message the fault must end, and the next fault in the list must apply.
    #[test]
    fn a_fault_ends_after_its_times_and_the_next_one_applies() {
        let mut faults = ActiveFaults::default();
        let once = MessageFault {
            times: Some(1),
            ..MessageFault::default()
        };
        faults.add(lost(once), None, None);
        let copies = MessageFault {
            delay: Duration::from_nanos(7),
            duplicate: true,
            ..MessageFault::default()
        };
        faults.add(copies, None, None);
        let mut apply = || faults.apply((0, 1), &Ping, &mut Rng::new(1));
        assert!(apply().lost);
        let copied = FaultEffect {
            duplicated: true,
            copy_late: 7,
            ..FaultEffect::default()
        };
        assert_eq!((apply(), apply()), (copied, copied));
    }

    // A fault that covers no message, or that needs no random draw, must not take a number from the
    // random stream. Otherwise it would change all later draws and so the fingerprint (the hash of
    // all events) of the run.
    #[test]
    fn only_a_fault_with_a_chance_draws() {
        let chance = MessageFault {
            chance: 0.5,
            ..MessageFault::default()
        };
        let left = |fault: MessageFault, to| {
            let (mut faults, mut rng) = (ActiveFaults::default(), Rng::new(1));
            faults.add(lost(fault), None, Some(vec![to]));
            faults.apply((0, 1), &Ping, &mut rng);
            rng.below(u64::MAX)
        };
        let fresh = Rng::new(1).below(u64::MAX);
        assert_eq!(left(MessageFault::default(), 1), fresh);
        assert_eq!(left(chance.clone(), 2), fresh, "not covered");
        assert_ne!(left(chance, 1), fresh);
    }
}
