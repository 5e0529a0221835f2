use std::fmt;

use elector_core::{ElectionAlgorithm, View};

use crate::walk::{
    cluster::{Cluster, InFlight},
    event::{Event, Line},
    machine::Machine,
    runner::Runner,
    schedule::Schedule,
};

/// Replays the lines of a schedule. Returns the schedule with a comment on each line: the message
/// that was received, the new views of the nodes, and the violation.
pub(crate) fn annotate<A: ElectionAlgorithm>(
    runner: &Runner<'_, A>,
    lines: &[Line<A::Timer>],
) -> Schedule {
    let mut cluster = runner.cluster();
    let mut notes = Vec::new();
    for line in lines {
        let mut note = Vec::new();
        if let Event::Received { node, message } = line.event {
            let is_it = |it: &&InFlight<_>| it.to == node && it.id == message;
            let sent = cluster.in_flight.iter().chain(&cluster.past);
            if let Some(sent) = sent.into_iter().find(is_it) {
                let from = cluster.machines[sent.from].members.me();
                note.push(format!("from {from:?}: {:?}", sent.message));
            }
        }
        let before = views(&cluster);
        cluster.apply(line.number, &line.event);
        for (machine, before) in cluster.machines.iter().zip(before) {
            if let Some(view) = machine.view().filter(|&view| Some(view) != before) {
                let leader = view
                    .leader
                    .map_or("-".into(), |leader| format!("{leader:?}"));
                let (me, epoch, role) = (machine.members.me(), view.epoch, view.role);
                note.push(format!("{me:?}: epoch {epoch} leader {leader} {role}"));
            }
        }
        note.extend(cluster.violation.iter().map(ToString::to_string));
        notes.push(note.join("; "));
    }
    Schedule {
        lines: lines.iter().filter_map(printable).collect(),
        notes,
    }
}

fn views<A: ElectionAlgorithm>(cluster: &Cluster<A>) -> Vec<Option<View>> {
    cluster.machines.iter().map(Machine::view).collect()
}

fn printable<T: fmt::Debug>(line: &Line<T>) -> Option<Line<String>> {
    let timer = line.event.timer().map(|timer| format!("{timer:?}"));
    let event = line.event.with_timer(timer)?;
    let number = line.number;
    Some(Line { number, event })
}
