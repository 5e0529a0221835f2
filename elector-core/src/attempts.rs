use serde::{Deserialize, Serialize};

use crate::{Membership, NodeId, NodeSet};

/// How many attempts in a row always count, also without a rival. Each attempt that counts can
/// widen the random wait before the next attempt: the second one doubles the range of this wait.
const FREE_ATTEMPTS: u32 = 2;

/// The attempts of a node to be elected since it last had a leader: how many of the failed attempts
/// count, and for which rivals (other candidates) the node has waited.
///
/// [`Timing::stagger`](crate::Timing::stagger), the random part of the election timeout, gets wider
/// with [`count`](Self::count). After the first two attempts, only competition between candidates
/// is a reason to wait longer. An attempt without answers would fail after any wait. An attempt
/// that is rejected by nodes that still receive heartbeats from their leader would fail after any
/// wait, too. A longer wait would even do harm: as soon as connections change, this node may be the
/// only one that reaches a quorum.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attempts {
    count: u32,
    // The peers that supported the newest attempt, and the peers that opposed it.
    answered: NodeSet,
    // Whether one of the peers in `answered` is a rival, or supports a rival.
    is_contested: bool,
    // Whether a peer has answered an earlier attempt only after the newest attempt had begun.
    is_late: bool,
    // The rivals for which this node has restarted its wait since it last had a leader.
    given_way: NodeSet,
    pause: Pause,
}

/// The state of the additional wait for a rival that this node has supported more than once.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
enum Pause {
    #[default]
    None,
    Due,
    Taken,
}

impl Attempts {
    /// Creates the state of a node that has made no attempt since it last had a leader.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of attempts that count: the next wait widens with this number.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Begins an attempt of this node, and decides whether the count grows. The first attempts
    /// always count. After them, an attempt counts only if the previous attempt had answers from a
    /// quorum, and only in two cases. Either some of these answers came late, or there were rivals
    /// and the range of the random wait is too short for all nodes to campaign one after the other
    /// (`has_room` is `false`).
    pub fn begin(&mut self, members: &Membership, has_room: bool) {
        let quorum = self.answered.len() + 1 >= members.majority();
        let too_narrow = self.is_late || self.is_contested && !has_room;
        if quorum && too_narrow || self.count < FREE_ATTEMPTS {
            self.widen();
        }
        self.answered.clear();
        self.is_contested = false;
        self.is_late = false;
        self.pause = Pause::None;
    }

    /// Counts one more attempt, so that the random wait (the [`stagger`](crate::Timing::stagger))
    /// has a wider range. An algorithm can call this when the node supports a new rival, because a
    /// new rival is a sign of split votes.
    pub fn widen(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// Records that a peer supports the newest attempt.
    pub fn supported(&mut self, peer: NodeId) {
        self.answered.insert(peer);
    }

    /// Records that a peer opposes the newest attempt: it is a rival, or supports one.
    pub fn contested(&mut self, peer: NodeId) {
        self.answered.insert(peer);
        self.is_contested = true;
    }

    /// Records that a peer supports an earlier attempt of this node: the newest attempt began
    /// before its answer arrived.
    pub fn late(&mut self, peer: NodeId) {
        self.answered.insert(peer);
        self.is_late = true;
    }

    /// Records that this node supports a rival. Returns `true` the first time for this rival: then
    /// the caller restarts the node's wait, so that the rival has time to be elected. A rival that
    /// was supported before and does not lead may be unable to lead. If the wait restarted at each
    /// request of such a rival, a node that can be elected would never campaign. So for such a
    /// rival there is only one [pause](Self::pause).
    pub fn give_way(&mut self, rival: NodeId) -> bool {
        let first = self.given_way.insert(rival);
        if first {
            self.pause = Pause::None;
        } else if self.pause == Pause::None {
            self.pause = Pause::Due;
        }
        first
    }

    /// Handles the end of the wait. Returns `true` if the node must wait longer, for
    /// [`Timing::pause`](crate::Timing::pause). The reason is that the node has again supported a
    /// rival that it had supported before, and gives this rival time to be elected. This method
    /// returns `true` at most once until the next attempt begins or a new rival appears.
    pub fn pause(&mut self) -> bool {
        let due = self.pause == Pause::Due;
        if due {
            self.pause = Pause::Taken;
        }
        due
    }

    /// Forgets all attempts, because there is a leader. The next election begins with a count of 0.
    pub fn reset(&mut self) {
        *self = Self::default();
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

    // An attempt that fails without a rival must not make the node wait longer: the node may be the
    // only one that can be elected.
    #[test]
    fn only_rivals_in_a_quorum_widen_the_wait() {
        assert_eq!(after(false, |_| ()), 2, "no node answers");
        let unanimous = |attempts: &mut Attempts| {
            (2..=5).for_each(|peer| attempts.supported(NodeId(peer)));
        };
        assert_eq!(after(false, unanimous), 2, "there is no rival");
        let alone = |attempts: &mut Attempts| attempts.contested(NodeId(2));
        assert_eq!(after(false, alone), 2, "the attempt reaches no quorum");
        let split = |attempts: &mut Attempts| {
            attempts.supported(NodeId(2));
            attempts.contested(NodeId(3));
        };
        assert_eq!(after(false, split), 9);
    }

    // If the range of the random wait (the spread) is long enough for all nodes to campaign one
    // after the other, a longer range does not separate rivals better. Late answers still widen it.
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

    // A rival that cannot be elected must not make this node wait again and again.
    #[test]
    fn a_rival_restarts_the_wait_once_and_then_causes_one_pause() {
        let mut attempts = Attempts::new();
        assert!(attempts.give_way(NodeId(2)) && !attempts.pause());
        assert!(!attempts.give_way(NodeId(2)) && attempts.pause());
        assert!(
            !attempts.give_way(NodeId(2)) && !attempts.pause(),
            "one pause per attempt"
        );
        assert!(attempts.give_way(NodeId(3)));
        attempts.begin(&members(), false);
        assert!(!attempts.give_way(NodeId(3)) && attempts.pause());
        attempts.reset();
        assert!(attempts.give_way(NodeId(2)));
    }
}
