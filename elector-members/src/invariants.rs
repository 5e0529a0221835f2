//! What holds for the rosters on the disks of all nodes, at every moment.

use alloc::vec::Vec;

use elector_core::NodeId;

use crate::{DiskId, Roster};

/// The roster on the disk of a node.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The node that has the roster on its disk.
    pub node: NodeId,
    /// The id of this disk; `None` if it is not known.
    pub disk: Option<DiskId>,
    /// The roster on this disk.
    pub roster: &'a Roster,
}

/// Checks the rosters of all nodes of a cluster. A roster is *disabled* if each of its majorities
/// has a node with a newer roster: then nodes with this roster can elect no leader any more.
///
/// # Errors
/// If two rosters differ although they have the same name (epoch and version), or if two rosters
/// that are not disabled have majorities without a common node (`ActiveConfigsOverlap` in the
/// specification of the protocol).
pub fn check_rosters(rosters: &[Held<'_>]) -> Result<(), &'static str> {
    let active: Vec<&Roster> = rosters
        .iter()
        .map(|held| held.roster)
        .filter(|roster| is_active(roster, rosters))
        .collect();
    for (place, first) in active.iter().enumerate() {
        for second in &active[place + 1..] {
            let same = first.voters == second.voters && first.goal == second.goal;
            if first.id() == second.id() && !same {
                return Err("two rosters of one epoch and version have different voters");
            }
            if first.id() != second.id() && !overlap(first, second) {
                return Err("two rosters can elect leaders, and their majorities need not meet");
            }
        }
    }
    Ok(())
}

fn is_active(roster: &Roster, rosters: &[Held<'_>]) -> bool {
    let ahead = roster.voters.iter().filter(|voter| {
        rosters
            .iter()
            .any(|held| voter.is(held.node, held.disk) && held.roster.rank() > roster.rank())
    });
    roster.version > 0 && roster.voters.len() - ahead.count() >= roster.majority()
}

/// Returns `true` if each majority of the first roster has a node in common with each majority of
/// the second roster.
fn overlap(first: &Roster, second: &Roster) -> bool {
    let common = first.voters.iter().filter(|voter| {
        let other = second.voter(voter.node);
        other.is_some_and(|other| {
            other.disk.is_none() || voter.disk.is_none() || other.disk == voter.disk
        })
    });
    let union = first.voters.len() + second.voters.len() - common.count();
    first.majority() + second.majority() > union
}
