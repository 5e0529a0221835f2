use std::fmt;

use elector_core::{ElectionAlgorithm, View};

use crate::walk::{
    event::{Event, Line},
    machine::Machine,
    schedule::Schedule,
    trial::Trial,
    world::{Flying, World},
};

/// A schedule with a comment on each line: what was received, and what the nodes show after it.
pub(crate) fn annotated<A: ElectionAlgorithm>(
    trial: &Trial<'_, A>,
    lines: &[Line<A::Timer>],
) -> Schedule {
    let mut world = trial.world();
    let mut notes = Vec::new();
    for line in lines {
        let mut note = Vec::new();
        if let Event::Received { node, message } = line.event {
            let is_it = |it: &&Flying<_>| it.to == node && it.id == message;
            let sent = world.flying.iter().chain(&world.past);
            if let Some(flying) = sent.into_iter().find(is_it) {
                let from = world.machines[flying.from].members.me();
                note.push(format!("from {from:?}: {:?}", flying.message));
            }
        }
        let before = views(&world);
        world.apply(line.number, &line.event);
        for (machine, before) in world.machines.iter().zip(before) {
            if let Some(view) = machine.view().filter(|&view| Some(view) != before) {
                let leader = view
                    .leader
                    .map_or("-".into(), |leader| format!("{leader:?}"));
                let (me, epoch, role) = (machine.members.me(), view.epoch, view.role);
                note.push(format!("{me:?}: epoch {epoch} leader {leader} {role}"));
            }
        }
        note.extend(world.broken.iter().map(ToString::to_string));
        notes.push(note.join("; "));
    }
    Schedule {
        lines: lines.iter().filter_map(printed).collect(),
        notes,
    }
}

fn views<A: ElectionAlgorithm>(world: &World<A>) -> Vec<Option<View>> {
    world.machines.iter().map(Machine::view).collect()
}

fn printed<T: fmt::Debug>(line: &Line<T>) -> Option<Line<String>> {
    let timer = line.event.timer().map(|timer| format!("{timer:?}"));
    let event = line.event.with_timer(timer)?;
    let number = line.number;
    Some(Line { number, event })
}
