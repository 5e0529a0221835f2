use elector_core::{ElectionAlgorithm, invariants::InvariantViolation};

use crate::{
    action::{Action, id},
    cluster::Cluster,
    node::Life,
    state::State,
};

/// Puts into words how `action` led from one state to the next, and what that broke.
pub(crate) fn tell<A: ElectionAlgorithm>(
    on: &Cluster<A>,
    (before, action, after): (&State, Action, &State),
    breach: Option<InvariantViolation>,
) -> String {
    let mut line = match action {
        Action::Deliver { flight } => {
            let sent = on.steps.envelopes.get(flight.envelope());
            format!("{:?} <- {:?} {:?}", sent.to, sent.from, sent.message)
        }
        Action::Elapse { node, timer } => match &on.steps.nodes.get(before.nodes[node]).life {
            Life::Up { timers, .. } => format!("{:?} elapsed {:?}", id(node), timers[timer].name),
            Life::Down { .. } => String::new(),
        },
        Action::Crash { node } => format!("{:?} crashed", id(node)),
        Action::Restart { node } => format!("{:?} restarted", id(node)),
        Action::Suspect { node, peer } => format!("{:?} suspects {peer:?}", id(node)),
        Action::Prove { node, peer } => {
            format!("{:?} learns of the death of {peer:?}", id(node))
        }
        Action::Command { node, command } => format!("{:?} told {command:?}", id(node)),
        Action::Tick => format!("tick {}", after.now),
    };
    for (&old, &new) in before.nodes.iter().zip(&after.nodes) {
        let (old, new) = (on.steps.seen(old).view, on.steps.seen(new).view);
        if let Some(view) = new.filter(|_| old != new) {
            line += &format!("; view epoch {} leader ", view.epoch);
            line += &view
                .leader
                .map_or_else(|| "-".into(), |id| format!("{id:?}"));
            line += &format!(" role {}", view.role);
        }
    }
    for node in (0..after.nodes.len()).map(id) {
        let holds = |state| on.holders(state).any(|holder| holder == node);
        match (holds(before), holds(after)) {
            (false, true) => line += &format!("; {node:?} holds a lease"),
            (true, false) => line += &format!("; the lease of {node:?} has ended"),
            _ => {}
        }
    }
    if let Some(breach) = breach {
        line += &format!("; {breach}");
    }
    line
}
