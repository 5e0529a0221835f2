use elector_core::{ElectionAlgorithm, invariants::InvariantViolation};

use crate::{
    action::{Action, id},
    cluster::Cluster,
    node::Life,
    state::State,
};

/// Describes how `action` led from one state to the next, and which violation this caused.
pub(crate) fn describe<A: ElectionAlgorithm>(
    cluster: &Cluster<A>,
    (before, action, after): (&State, Action, &State),
    violation: Option<InvariantViolation>,
) -> String {
    let mut line = match action {
        Action::Deliver { flight } => {
            let sent = cluster.steps.envelopes.get(flight.envelope());
            format!("{:?} <- {:?} {:?}", sent.to, sent.from, sent.message)
        }
        Action::Elapse { node, timer } => match &cluster.steps.nodes.get(before.nodes[node]).life {
            Life::Up { timers, .. } => format!("{:?} elapsed {:?}", id(node), timers[timer].name),
            Life::Down { .. } => String::new(),
        },
        Action::Crash { node } => format!("{:?} crashed", id(node)),
        Action::Restart { node } => format!("{:?} restarted", id(node)),
        Action::Suspect { node, peer } => format!("{:?} suspects {peer:?}", id(node)),
        Action::Prove { node, peer } => {
            format!("{:?} learns of the death of {peer:?}", id(node))
        }
        Action::Command { node, command } => format!("{:?} commanded {command:?}", id(node)),
        Action::Tick => format!("tick {}", after.now),
    };
    for (&old, &new) in before.nodes.iter().zip(&after.nodes) {
        let (old, new) = (cluster.steps.seen(old).view, cluster.steps.seen(new).view);
        if let Some(view) = new.filter(|_| old != new) {
            line += &format!("; view epoch {} leader ", view.epoch);
            line += &view
                .leader
                .map_or_else(|| "-".into(), |id| format!("{id:?}"));
            line += &format!(" role {}", view.role);
        }
    }
    for node in (0..after.nodes.len()).map(id) {
        let holds = |state| cluster.holders(state).any(|holder| holder == node);
        match (holds(before), holds(after)) {
            (false, true) => line += &format!("; {node:?} holds a lease"),
            (true, false) => line += &format!("; the lease of {node:?} has ended"),
            _ => {}
        }
    }
    if let Some(violation) = violation {
        line += &format!("; {violation}");
    }
    line
}
