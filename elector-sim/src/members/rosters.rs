use elector_core::{DiskId, ElectionAlgorithm, NodeId, NodeSet, invariants::Invariant};
use elector_members::{Held, Roster, check_rosters};

use crate::{Simulation, machine::Machine};

impl<A: ElectionAlgorithm> Simulation<A> {
    /// Returns the roster on the disk of a machine. If the node has not written a roster yet,
    /// returns the roster with which it starts. Returns `None` if the members are fixed.
    fn roster_of(&self, machine: &Machine<A>) -> Option<Roster> {
        let access = self.setup.members?;
        let written = access.roster(&machine.disk.durable);
        Some(if written.version == 0 {
            access.first_roster(&machine.config, &machine.members)
        } else {
            written.clone()
        })
    }

    fn disk_of(&self, machine: &Machine<A>) -> Option<DiskId> {
        self.setup.members?.disk(&machine.config)
    }

    /// Checks the rosters on all disks against the invariant `rosters-meet`, after one of these
    /// rosters has changed. A violation is recorded once, when it begins.
    pub(crate) fn rosters_changed(&mut self) {
        let rosters = self.machines.iter().filter_map(|machine| {
            let (node, disk) = (machine.id(), self.disk_of(machine));
            Some((node, disk, self.roster_of(machine)?))
        });
        let rosters: Vec<_> = rosters.collect();
        let held = rosters.iter().map(|(node, disk, roster)| Held {
            node: *node,
            disk: *disk,
            roster,
        });
        let broken = check_rosters(&held.collect::<Vec<_>>()).err();
        if broken != self.broken_rosters {
            self.broken_rosters = broken;
            if let Some(broken) = broken {
                let detail = format!("{broken}: {}", listed(&rosters));
                let known = self.violations().len();
                self.invariants
                    .record(Invariant::RostersMeet, self.now, detail);
                self.trace_violations(known);
            }
        }
        self.note_complete_changes();
    }

    /// Returns `true` if a majority of the nodes in `goal` has a roster on its disk with these
    /// properties: the voters are exactly the nodes in `goal`, each with its present disk, and no
    /// change is in progress.
    pub(crate) fn has_voters(&self, goal: &NodeSet) -> bool {
        let has = |node: NodeId| {
            let place = self.position(node);
            let roster = place.and_then(|place| self.roster_of(&self.machines[place]));
            roster.is_some_and(|roster| {
                !roster.is_changing()
                    && roster.voters.len() == goal.len()
                    && roster.voters.iter().all(|voter| {
                        let place = self.position(voter.node);
                        let disk = place.and_then(|place| self.disk_of(&self.machines[place]));
                        goal.contains(voter.node) && voter.is(voter.node, disk)
                    })
            })
        };
        let holders = goal.iter().filter(|&node| has(node));
        holders.count() > goal.len() / 2
    }
}

/// Returns a text that lists the rosters on all disks.
fn listed(rosters: &[(NodeId, Option<DiskId>, Roster)]) -> String {
    let texts = rosters.iter().map(|(node, _, roster)| {
        let voters: Vec<String> = roster.voters.iter().map(|it| it.node.to_string()).collect();
        let rank = roster.rank();
        format!(
            "{node:?} has version {} in term {} with the voters {}",
            rank.version,
            rank.term,
            voters.join(",")
        )
    });
    texts.collect::<Vec<_>>().join("; ")
}
