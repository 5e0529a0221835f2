use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use elector_core::{
    Command, Epoch, NodeId, Role, View,
    trace::{Event, Record, Stimulus},
};

use super::line::{Line, Pen, Tone, millis};
use crate::lab::history::{Flight, History, Leaders, Life, Span, loss_text};

/// Writes the events of a run in the order of time.
pub(super) fn write_events<W: fmt::Write>(
    records: &[Record],
    history: &History<'_>,
    pen: &mut Pen<'_, W>,
) -> fmt::Result {
    let mut narrator = Narrator {
        causes: HashMap::new(),
        flights: by_id(history),
        lost_writes: lost_writes(history),
        cuts: history,
        epochs: HashMap::new(),
        leader_count_since_ns: history.start_ns,
    };
    let mut ordered: Vec<&Record> = records.iter().collect();
    ordered.sort_by_key(|record| record.at_ns);
    let leaders = history.leaders();
    let mut leader_changes = leaders.windows(2).peekable();
    for record in ordered {
        // A line about the whole cluster comes after the lines of the events that caused it, so the
        // changes of the leaders before this record are written now.
        while let Some([before, after]) = leader_changes.peek().copied()
            && after.from_ns < record.at_ns
        {
            narrator.leaders_changed(before, after, pen)?;
            leader_changes.next();
        }
        narrator.record(record, pen)?;
    }
    for pair in leader_changes {
        if let [before, after] = pair {
            narrator.leaders_changed(before, after, pen)?;
        }
    }
    Ok(())
}

struct Narrator<'a, 'h> {
    /// The input of each step of a node, by the node and the number of the step. A step is what the
    /// algorithm does with one input. When a node starts again, its numbers begin again, and new
    /// steps replace earlier steps with the same number.
    causes: HashMap<(NodeId, u64), &'a Stimulus>,
    flights: HashMap<u64, &'h Flight<'a>>,
    /// The writes that were lost in a crash. Each entry has the node, the number of the step that
    /// requested the write, and the moment of this request.
    lost_writes: HashSet<(NodeId, u64, u64)>,
    cuts: &'h History<'a>,
    /// The epoch of the last view of each node.
    epochs: HashMap<NodeId, Epoch>,
    /// The moment of the last change between no leader, one leader and several leaders.
    leader_count_since_ns: u64,
}

impl<'a> Narrator<'a, '_> {
    fn record<W: fmt::Write>(&mut self, record: &'a Record, pen: &mut Pen<'_, W>) -> fmt::Result {
        let at_ns = record.at_ns;
        let mut write_line = |tone: Tone, text: String| {
            pen.line(Line {
                at_ns,
                who: record.node.into_iter().collect(),
                to: Vec::new(),
                text,
                tone,
            })
        };
        match &record.event {
            Event::Stepped { step, input } => self.stepped(record, *step, input, pen),
            Event::Sent { .. } => sent(record, pen),
            Event::Lost { id, .. } => self.lost(record, *id, pen),
            Event::Timer { .. } | Event::Persisted { .. } => Ok(()),
            Event::Persisting { step, durable } => {
                let key = record.node.map(|node| (node, *step, at_ns));
                let is_lost = key.is_some_and(|key| self.lost_writes.contains(&key));
                match is_lost {
                    true => write_line(Tone::Loss, format!("writes {durable}, lost in a crash")),
                    false => write_line(Tone::Faint, format!("writes {durable}")),
                }
            }
            Event::Viewed { step, view } => {
                let cause = record.node.and_then(|node| self.causes.get(&(node, *step)));
                let node = record.node;
                let before = node.and_then(|node| self.epochs.insert(node, view.epoch));
                let (tone, text) = viewed(view, before != Some(view.epoch));
                let cause = cause.and_then(|cause| cause_text(cause));
                write_line(
                    tone,
                    text + &cause.map_or(String::new(), |cause| format!("  ({cause})")),
                )
            }
            Event::Refused { reason, .. } => write_line(Tone::Loss, format!("refused: {reason}")),
            Event::Crashed => write_line(Tone::Fault, "crashed".to_owned()),
            Event::Booted => write_line(Tone::Mend, "booted".to_owned()),
            Event::Paused => write_line(Tone::Fault, "paused".to_owned()),
            Event::Resumed => write_line(Tone::Mend, "resumed".to_owned()),
            Event::Wiped => write_line(Tone::Fault, "lost its disk".to_owned()),
            Event::Cut { blocked } if blocked.is_empty() => {
                write_line(Tone::Mend, "all links work".to_owned())
            }
            Event::Cut { blocked } => write_line(
                Tone::Fault,
                format!("cut: {}", self.cuts.describe_cut(blocked)),
            ),
            Event::Violated { invariant, detail } => {
                write_line(Tone::Fault, format!("violated: {invariant}: {detail}"))
            }
            Event::Note { text } => write_line(Tone::Note, format!("— {text}")),
        }
    }

    fn stepped<W: fmt::Write>(
        &mut self,
        record: &'a Record,
        step: u64,
        input: &'a Stimulus,
        pen: &mut Pen<'_, W>,
    ) -> fmt::Result {
        if let Some(node) = record.node {
            self.causes.insert((node, step), input);
        }
        let (tone, text) = match input {
            Stimulus::Started | Stimulus::Elapsed { .. } => return Ok(()),
            Stimulus::Received {
                from,
                id,
                kind,
                message,
            } => {
                let routine = self.flights.get(id).is_some_and(|known| known.is_routine());
                let options = pen.options();
                if !options.arrivals || routine && !options.heartbeats {
                    return Ok(());
                }
                (
                    Tone::Faint,
                    format!("← {from:?}  {}", contents(kind, message)),
                )
            }
            Stimulus::Suspected { peer } => (Tone::Mend, format!("suspects {peer:?}")),
            Stimulus::Silent { peer } => (Tone::Mend, format!("receives nothing from {peer:?}")),
            Stimulus::Died { peer } => (Tone::Mend, format!("receives proof that {peer:?} died")),
            Stimulus::Returned { peer } => (Tone::Mend, format!("receives from {peer:?} again")),
            Stimulus::Commanded { command } => (
                Tone::Note,
                format!("receives the command to {}", command_text(command)),
            ),
        };
        pen.line(Line {
            at_ns: record.at_ns,
            who: record.node.into_iter().collect(),
            to: Vec::new(),
            text,
            tone,
        })
    }

    fn lost<W: fmt::Write>(
        &mut self,
        record: &Record,
        id: u64,
        pen: &mut Pen<'_, W>,
    ) -> fmt::Result {
        let (Event::Lost { why, .. }, Some(flight)) = (&record.event, self.flights.get(&id)) else {
            return Ok(());
        };
        if flight.is_routine() && !pen.options().heartbeats {
            return pen.fold(record.at_ns, |folded| &mut folded.lost);
        }
        pen.line(Line {
            at_ns: record.at_ns,
            who: vec![flight.from],
            to: vec![flight.to],
            text: format!("{} lost: {}", flight.kind, loss_text(*why)),
            tone: Tone::Loss,
        })
    }

    fn leaders_changed<W: fmt::Write>(
        &mut self,
        before: &Span<Leaders>,
        after: &Span<Leaders>,
        pen: &mut Pen<'_, W>,
    ) -> fmt::Result {
        let lasted = after.from_ns.saturating_sub(self.leader_count_since_ns);
        let lasted = millis(lasted);
        let (tone, text) = match (before.what.as_slice(), after.what.as_slice()) {
            ([] | [_], [_, _, ..]) => {
                let each = after.what.iter();
                let each = each.map(|(node, epoch)| format!("{node:?} in epoch {epoch}"));
                let each = each.collect::<Vec<_>>().join(", ");
                (Tone::Fault, format!("split brain: {each}"))
            }
            ([_, _, ..], [] | [_]) => (Tone::Mend, format!("split brain ended after {lasted} ms")),
            ([_], []) => (Tone::Fault, "without a leader".to_owned()),
            ([], [_]) => (
                Tone::Mend,
                format!("has a leader after {lasted} ms without one"),
            ),
            _ => return Ok(()),
        };
        self.leader_count_since_ns = after.from_ns;
        pen.line(Line {
            at_ns: after.from_ns,
            who: Vec::new(),
            to: Vec::new(),
            text,
            tone,
        })
    }
}

fn sent<W: fmt::Write>(record: &Record, pen: &mut Pen<'_, W>) -> fmt::Result {
    let Event::Sent {
        to,
        kind,
        purpose,
        message,
        ..
    } = &record.event
    else {
        return Ok(());
    };
    let routine = *purpose == elector_core::Purpose::Liveness;
    if routine && !pen.options().heartbeats {
        return pen.fold(record.at_ns, |folded| &mut folded.sent);
    }
    pen.line(Line {
        at_ns: record.at_ns,
        who: record.node.into_iter().collect(),
        to: vec![*to],
        text: contents(kind, message),
        tone: if routine { Tone::Faint } else { Tone::Plain },
    })
}

fn viewed(view: &View, is_new_epoch: bool) -> (Tone, String) {
    let epoch = view.epoch;
    match (view.role, view.leader) {
        (Role::Leader, _) => (Tone::Lead, format!("leads epoch {epoch}")),
        (Role::PreCandidate, _) => (
            Tone::Campaign,
            format!("is a pre-candidate in epoch {epoch}"),
        ),
        (Role::Candidate, _) => (Tone::Campaign, format!("campaigns in epoch {epoch}")),
        (Role::Follower, Some(leader)) => {
            (Tone::Plain, format!("follows {leader:?} in epoch {epoch}"))
        }
        (Role::Follower, None) if is_new_epoch => (Tone::Plain, format!("enters epoch {epoch}")),
        (Role::Follower, None) => (Tone::Plain, format!("knows no leader in epoch {epoch}")),
    }
}

fn cause_text(cause: &Stimulus) -> Option<String> {
    match cause {
        Stimulus::Started => None,
        Stimulus::Received { from, kind, .. } => Some(format!("{kind} from {from:?}")),
        Stimulus::Elapsed { timer } => Some(format!("{timer} elapsed")),
        Stimulus::Suspected { peer } => Some(format!("{peer:?} suspected")),
        Stimulus::Silent { peer } => Some(format!("{peer:?} is silent")),
        Stimulus::Died { peer } => Some(format!("{peer:?} died")),
        Stimulus::Returned { peer } => Some(format!("{peer:?} is back")),
        Stimulus::Commanded { command } => Some(format!("command to {}", command_text(command))),
    }
}

/// Returns a command as text that continues "the command to …".
pub(crate) fn command_text(command: &Command) -> String {
    match command {
        Command::Campaign => "campaign".to_owned(),
        Command::Resign => "resign".to_owned(),
        Command::TransferTo(peer) => format!("transfer to {peer:?}"),
        Command::ChangeMembers(change) => format!("change the members to {change}"),
        Command::Propose(request) => format!("propose {request}"),
    }
}

/// Returns the name of the kind and the contents of a message. `detail` is the `Debug` text of the
/// message. If `detail` begins with the name, the name is not repeated.
fn contents(kind: &str, detail: &str) -> String {
    if detail.is_empty() {
        kind.to_owned()
    } else if detail.starts_with(kind) {
        detail.to_owned()
    } else {
        format!("{kind} {detail}")
    }
}

fn by_id<'a, 'h>(history: &'h History<'a>) -> HashMap<u64, &'h Flight<'a>> {
    let numbered = history.flights.iter().filter(|flight| flight.id != 0);
    numbered.map(|flight| (flight.id, flight)).collect()
}

fn lost_writes(history: &History<'_>) -> HashSet<(NodeId, u64, u64)> {
    let mut lost_writes = HashSet::new();
    for lane in &history.lanes {
        let writes = lane
            .writes
            .iter()
            .filter(|write| write.durable_ns.is_none() && lane.life_at(write.to_ns) == Life::Down);
        lost_writes.extend(writes.map(|write| (lane.node, write.step, write.from_ns)));
    }
    lost_writes
}
