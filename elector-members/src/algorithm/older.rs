//! Durable states that do not come from a step: the state of an earlier release, the state of a
//! stopped node with a raised epoch, and the recovered state of a lost cluster.

use alloc::vec;

use elector_core::{DiskId, Epoch, NodeId, OlderState, quorum::Reseat};

use crate::{MembersDurable, Roster, Voter};

/// Decodes the state of a node that ran the algorithm with fixed members. The node gets its first
/// roster when it is restored.
pub(super) fn from_fixed<A: Reseat>(older: impl OlderState) -> Option<MembersDurable<A::Durable>> {
    let algorithm = older.read()?;
    Some(MembersDurable {
        algorithm,
        ..MembersDurable::default()
    })
}

/// Raises the epoch of this state above the epoch `floor`; see
/// [`elector_core::ElectionAlgorithm::raised`]. The roster stays the same.
pub(super) fn raised<A: Reseat>(
    durable: &MembersDurable<A::Durable>,
    floor: Epoch,
) -> Option<MembersDurable<A::Durable>> {
    Some(MembersDurable {
        algorithm: A::raised(&durable.algorithm, floor)?,
        seen: durable.seen.max(floor.checked_next()?),
        roster: durable.roster.clone(),
    })
}

/// Returns a state in which this node is the only voter; see
/// [`elector_core::ElectionAlgorithm::recovered`]. The roster has the next version, and as its term
/// the epoch above `floor`, which is not the term of any other roster.
pub(super) fn recovered<A: Reseat>(
    durable: &MembersDurable<A::Durable>,
    me: NodeId,
    disk: DiskId,
    floor: Epoch,
) -> Option<MembersDurable<A::Durable>> {
    let floor = floor.max(durable.roster.term);
    let mut recovered = raised::<A>(durable, floor)?;
    let term = floor.checked_next()?;
    recovered.roster = Roster {
        term,
        created: term,
        version: durable.roster.version.saturating_add(1),
        voters: vec![Voter {
            node: me,
            disk: disk.known(),
            ..Voter::unbound(me)
        }],
        goal: vec![],
    };
    Some(recovered)
}
