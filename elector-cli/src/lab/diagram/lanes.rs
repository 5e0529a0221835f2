use elector_core::{Command, Epoch, NodeId, Role};

use super::{
    canvas::{Anchor, Canvas, width_of},
    layout::Layout,
};
use crate::lab::{
    history::{History, Lane, Life, Mark, Span},
    timeline::{command_text, millis},
};

/// The minimum distance between two lanes, in pixels, at which lanes have labels.
const MIN_LABELLED_PITCH: f64 = 24.0;

/// Draws the parts of the lanes that are below the arrows: the lanes themselves, and when each node
/// led, campaigned, was paused, or was down.
pub(super) fn draw(canvas: &mut Canvas, layout: &Layout, history: &History<'_>) {
    canvas.hatch("hd", 5.0, 45);
    canvas.hatch("hp", 4.0, 0);
    for lane in &history.lanes {
        lives(canvas, layout, lane);
        bars(canvas, layout, lane);
        pauses(canvas, layout, lane);
        writes(canvas, layout, lane);
        ticks(canvas, layout, lane);
    }
}

/// Draws the parts of the lanes that are above the arrows: names, epochs, and the marks of events
/// such as crashes.
pub(super) fn label(canvas: &mut Canvas, layout: &Layout, history: &History<'_>) {
    let every = (13.0 / layout.pitch).ceil().max(1.0) as usize;
    for lane in history.lanes.iter().step_by(every) {
        let at = (layout.left - 10.0, layout.y(lane.node) + 4.0);
        canvas.text("name", at, Anchor::End, &format!("{:?}", lane.node));
    }
    for lane in &history.lanes {
        marks(canvas, layout, lane);
        if layout.pitch >= MIN_LABELLED_PITCH {
            labels(canvas, layout, lane);
        }
    }
}

fn lives(canvas: &mut Canvas, layout: &Layout, lane: &Lane<'_>) {
    let y = layout.y(lane.node);
    for span in &lane.life {
        let Some((from, to)) = layout.extent(span) else {
            continue;
        };
        if span.what == Life::Down {
            let half = layout.leader_bar() / 2.0;
            let title = span_title(lane.node, "is down", span);
            canvas.rect("down", [from, y - half, to - from, half * 2.0], &title);
        } else {
            canvas.line("lane", (from, y), (to, y), "");
        }
    }
}

fn bars(canvas: &mut Canvas, layout: &Layout, lane: &Lane<'_>) {
    let y = layout.y(lane.node);
    for span in &lane.views {
        let epoch = span.what.epoch;
        let (class, height, text) = match span.what.role {
            Role::Follower => continue,
            Role::PreCandidate => (
                "precand",
                layout.candidate_bar(),
                format!("is a pre-candidate in epoch {epoch}"),
            ),
            Role::Candidate => (
                "cand",
                layout.candidate_bar(),
                format!("campaigns in epoch {epoch}"),
            ),
            Role::Leader => ("lead", layout.leader_bar(), format!("leads epoch {epoch}")),
        };
        if let Some((from, to)) = layout.extent(span) {
            let area = [from, y - height / 2.0, (to - from).max(1.5), height];
            canvas.rect(class, area, &span_title(lane.node, &text, span));
        }
    }
}

fn pauses(canvas: &mut Canvas, layout: &Layout, lane: &Lane<'_>) {
    let (y, half) = (layout.y(lane.node), layout.leader_bar() / 2.0 + 1.0);
    for span in lane.life.iter().filter(|span| span.what == Life::Paused) {
        if let Some((from, to)) = layout.extent(span) {
            let area = [from, y - half, to - from, half * 2.0];
            canvas.rect("paused", area, &span_title(lane.node, "is paused", span));
        }
    }
}

fn writes(canvas: &mut Canvas, layout: &Layout, lane: &Lane<'_>) {
    let height = (layout.pitch * 0.09).clamp(1.5, 4.0);
    let y = layout.y(lane.node) + layout.leader_bar() / 2.0 + 1.5;
    for write in &lane.writes {
        let span = Span {
            from_ns: write.from_ns,
            to_ns: write.to_ns.max(write.from_ns.saturating_add(1)),
            what: (),
        };
        let Some((from, to)) = layout.extent(&span) else {
            continue;
        };
        let from_ms = millis(write.from_ns);
        let end = match write.durable_ns {
            Some(at_ns) => format!("durable {} ms", millis(at_ns)),
            None => "never durable".to_owned(),
        };
        let title = format!(
            "{:?} writes {}\n{from_ms} ms, {end}",
            lane.node, write.detail
        );
        let class = if write.durable_ns.is_some() {
            "disk"
        } else {
            "disk undone"
        };
        canvas.rect(class, [from, y, (to - from).max(2.0), height], &title);
    }
}

fn ticks(canvas: &mut Canvas, layout: &Layout, lane: &Lane<'_>) {
    let (y, half) = (layout.y(lane.node), (layout.pitch * 0.2).min(9.0));
    for (at_ns, epoch) in epochs(lane) {
        if layout.shows(at_ns) {
            let x = layout.x(at_ns);
            let title = format!("{:?} enters epoch {epoch}, {} ms", lane.node, millis(at_ns));
            canvas.line("tick", (x, y - half), (x, y + half), &title);
        }
    }
}

/// Returns the moments at which the node enters a new epoch, each with this epoch.
fn epochs(lane: &Lane<'_>) -> Vec<(u64, Epoch)> {
    let mut epochs: Vec<(u64, Epoch)> = Vec::new();
    for span in &lane.views {
        if epochs.last().is_none_or(|last| last.1 != span.what.epoch) {
            epochs.push((span.from_ns, span.what.epoch));
        }
    }
    epochs
}

fn labels(canvas: &mut Canvas, layout: &Layout, lane: &Lane<'_>) {
    let y = layout.y(lane.node);
    let above = y - layout.leader_bar() / 2.0 - 4.0;
    let mut free_from = f64::MIN;
    for (at_ns, epoch) in epochs(lane) {
        let x = layout.x(at_ns) + 3.0;
        let label = format!("e{epoch}");
        if layout.shows(at_ns) && x > free_from && x + width_of(&label, 10.0) < layout.right {
            canvas.text("epoch", (x, above), Anchor::Start, &label);
            free_from = x + width_of(&label, 10.0) + 3.0;
        }
    }
    let led = lane
        .views
        .iter()
        .filter(|span| span.what.role == Role::Leader);
    for span in led.filter(|_| layout.leader_bar() >= 11.0) {
        let label = format!("leads e{}", span.what.epoch);
        let room = width_of(&label, 9.5) + 10.0;
        if let Some((from, _)) = first_part_of_width(layout, span, room) {
            canvas.text("onbar", (from + 5.0, y + 3.4), Anchor::Start, &label);
        }
    }
    for span in &lane.life {
        let label = match span.what {
            Life::Running => continue,
            Life::Paused => "paused",
            Life::Down => "down",
        };
        if let Some((from, to)) = first_part_of_width(layout, span, width_of(label, 10.0) + 14.0) {
            let middle = ((from + to) / 2.0, y + 3.5);
            canvas.text("still", middle, Anchor::Middle, label);
        }
    }
}

/// Returns the x coordinates of the first part of a span that is visible, outside of folds
/// (stretches of time that are drawn narrow), and wider than `width` pixels.
fn first_part_of_width<T>(layout: &Layout, span: &Span<T>, width: f64) -> Option<(f64, f64)> {
    let parts = layout.scale.straight(span.within(layout.window)?);
    parts.into_iter().find(|part| part.1 - part.0 > width)
}

fn marks(canvas: &mut Canvas, layout: &Layout, lane: &Lane<'_>) {
    let y = layout.y(lane.node);
    let r = (layout.pitch * 0.13).clamp(2.5, 6.0);
    for &(at_ns, mark) in lane.marks.iter().filter(|mark| layout.shows(mark.0)) {
        let x = layout.x(at_ns);
        let (class, shape, text) = match mark {
            Mark::Crashed => ("fault", cross(x, y, r), "crashes".to_owned()),
            Mark::Wiped => ("fault", cross(x, y, r * 0.7), "loses its disk".to_owned()),
            Mark::Booted => ("boot", triangle(x, y, r), "boots".to_owned()),
            Mark::Suspected(peer) => ("hint", diamond(x, y, r), format!("suspects {peer:?}")),
            Mark::Died(peer) => (
                "hint",
                diamond(x, y, r),
                format!("receives proof that {peer:?} died"),
            ),
            Mark::Commanded(command) => (
                "command",
                diamond(x, y, r),
                format!("receives the command to {}", command_text(command)),
            ),
            Mark::Refused(why) => ("fault", diamond(x, y, r), format!("refuses: {why}")),
        };
        let title = format!("{:?} {text}, {} ms", lane.node, millis(at_ns));
        canvas.path(class, &shape, &title);
        if let Mark::Commanded(command) = mark
            && layout.pitch >= MIN_LABELLED_PITCH
        {
            command_label(canvas, (x, y + r + 11.0), command);
        }
    }
}

fn command_label(canvas: &mut Canvas, at: (f64, f64), command: &Command) {
    canvas.text("epoch", at, Anchor::Middle, &command_text(command));
}

fn cross(x: f64, y: f64, r: f64) -> String {
    let [left, right, top, bottom] = [x - r, x + r, y - r, y + r];
    format!("M{left:.1} {top:.1}L{right:.1} {bottom:.1}M{left:.1} {bottom:.1}L{right:.1} {top:.1}")
}

fn triangle(x: f64, y: f64, r: f64) -> String {
    let (top, bottom) = (y - r, y + r);
    format!(
        "M{x:.1} {top:.1}L{:.1} {y:.1}L{x:.1} {bottom:.1}z",
        x + r * 1.4
    )
}

fn diamond(x: f64, y: f64, r: f64) -> String {
    let [left, right, top, bottom] = [x - r, x + r, y - r, y + r];
    format!("M{left:.1} {y:.1}L{x:.1} {top:.1}L{right:.1} {y:.1}L{x:.1} {bottom:.1}z")
}

fn span_title<T>(node: NodeId, text: &str, span: &Span<T>) -> String {
    let (from, to) = (millis(span.from_ns), millis(span.to_ns));
    let lasted = millis(span.to_ns - span.from_ns);
    format!("{node:?} {text}\n{from} – {to} ms ({lasted} ms)")
}
