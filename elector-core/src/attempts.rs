use serde::{Deserialize, Serialize};

use crate::{Membership, NodeId, NodeSet};

/// How many attempts in a row widen the wait whatever comes of them: up to twofold.
const FREE: u32 = 2;

/// What a node knows of the elections since it last had a leader: how many attempts failed because
/// rivals met, and which rivals it has waited for.
///
/// [`count`](Self::count) is what [`Timing::stagger`](crate::Timing::stagger) widens by. Only
/// competition is a reason to wait longer. An attempt that gets no answer, or that is refused by
/// nodes that hear their leader, would fail after any wait; and as soon as links change, the node
/// may be the only one that reaches a quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempts {
    count: u32,
    // The peers that have supported the newest attempt, and those that stand against it.
    met: NodeSet,
    // Whether one of them is a rival, or supports one.
    contested: bool,
    // Whether one of them has answered an earlier attempt so late.
    late: bool,
    // The rivals for which the wait has begun anew.
    given_way: NodeSet,
    pause: Pause,
}

/// Whether this node waits a little longer for a rival that it has given way to before.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
enum Pause {
    #[default]
    None,
    Owed,
    Made,
}

impl Attempts {
    /// No attempt was made.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            count: 0,
            met: NodeSet::new(),
            contested: false,
            late: false,
            given_way: NodeSet::new(),
            pause: Pause::None,
        }
    }

    /// The number that the next wait is drawn by.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// An attempt of this node begins. Judges the one before by what was noted since that began, if
    /// a quorum was met: rivals make the spread wider, unless it `has_room` for all nodes; answers
    /// that came late do in any case.
    pub fn begin(&mut self, members: &Membership, has_room: bool) {
        let quorum = self.met.len() + 1 >= members.majority();
        let too_narrow = self.late || self.contested && !has_room;
        if quorum && too_narrow || self.count < FREE {
            self.widen();
        }
        self.met.clear();
        self.contested = false;
        self.late = false;
        self.pause = Pause::None;
    }

    /// Counts an attempt of others that has failed.
    pub fn widen(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// A peer supports the newest attempt.
    pub fn supported(&mut self, peer: NodeId) {
        self.met.insert(peer);
    }

    /// A peer stands against the newest attempt: it is a rival, or supports one.
    pub fn contested(&mut self, peer: NodeId) {
        self.met.insert(peer);
        self.contested = true;
    }

    /// A peer supports an earlier attempt: the newest has begun too soon.
    pub fn late(&mut self, peer: NodeId) {
        self.met.insert(peer);
        self.late = true;
    }

    /// This node supports a rival. Returns `true` the first time for this rival: the wait begins
    /// anew, so that the rival has the time to be elected. One that was supported before and does
    /// not lead may be unable to; if the wait began anew each time that it asks, a node that can be
    /// elected would never have its turn. For such a rival there is one [pause](Self::pause).
    pub fn give_way(&mut self, rival: NodeId) -> bool {
        let first = self.given_way.insert(rival);
        if first {
            self.pause = Pause::None;
        } else if self.pause == Pause::None {
            self.pause = Pause::Owed;
        }
        first
    }

    /// The wait is over. Returns whether it is to go on for the time that an election takes,
    /// because this node has supported a rival meanwhile; once an attempt at most.
    pub fn pause(&mut self) -> bool {
        let owed = self.pause == Pause::Owed;
        if owed {
            self.pause = Pause::Made;
        }
        owed
    }

    /// There is a leader: the next search begins from nothing.
    pub fn settle(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Membership {
        Membership::new(NodeId(1), (1..=5).map(NodeId)).unwrap()
    }

    fn after(has_room: bool, note: impl Fn(&mut Attempts)) -> u32 {
        let mut attempts = Attempts::new();
        for _ in 0..9 {
            attempts.begin(&members(), has_room);
            note(&mut attempts);
        }
        attempts.count()
    }

    // What says nothing of rivals must not make a node slow: it may be the one that is needed.
    #[test]
    fn only_rivals_in_a_quorum_widen_the_wait() {
        assert_eq!(after(false, |_| ()), 2, "no node answers");
        let deaf = |attempts: &mut Attempts| {
            (2..=5).for_each(|peer| attempts.supported(NodeId(peer)));
        };
        assert_eq!(after(false, deaf), 2, "there is no rival");
        let alone = |attempts: &mut Attempts| attempts.contested(NodeId(2));
        assert_eq!(after(false, alone), 2, "no quorum is reached");
        let split = |attempts: &mut Attempts| {
            attempts.supported(NodeId(2));
            attempts.contested(NodeId(3));
        };
        assert_eq!(after(false, split), 9);
    }

    // Where all find room, rivals are not kept apart by more of it; unless answers come late.
    #[test]
    fn a_spread_with_room_for_all_is_not_widened_for_rivals() {
        let split = |attempts: &mut Attempts| {
            (2..=5).for_each(|peer| attempts.contested(NodeId(peer)));
        };
        assert_eq!(after(true, split), 2);
        let late = |attempts: &mut Attempts| {
            (2..=5).for_each(|peer| attempts.late(NodeId(peer)));
        };
        assert_eq!(after(true, late), 9);
    }

    // A rival that cannot be elected must not keep this node waiting again and again.
    #[test]
    fn a_rival_is_given_way_once_and_then_a_pause() {
        let mut attempts = Attempts::new();
        assert!(attempts.give_way(NodeId(2)) && !attempts.pause());
        assert!(!attempts.give_way(NodeId(2)) && attempts.pause());
        assert!(
            !attempts.give_way(NodeId(2)) && !attempts.pause(),
            "one an attempt"
        );
        assert!(attempts.give_way(NodeId(3)));
        attempts.begin(&members(), false);
        assert!(!attempts.give_way(NodeId(3)) && attempts.pause());
        attempts.settle();
        assert!(attempts.give_way(NodeId(2)));
    }
}
