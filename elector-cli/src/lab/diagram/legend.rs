use elector_core::Role;

use super::{
    arrows::Selection,
    canvas::{Anchor, Canvas, width_of},
    kinds::Kinds,
    layout::Layout,
};
use crate::lab::history::{History, Life, Mark};

const SIZE: f64 = 11.0;
const ROW: f64 = 19.0;
const SWATCH: f64 = 30.0;

/// Draws the title, and the legend of everything that is visible. Returns the height of the
/// diagram.
pub(super) fn draw(
    canvas: &mut Canvas,
    layout: &Layout,
    history: &History<'_>,
    kinds: &Kinds<'_>,
    selection: &Selection<'_, '_>,
) -> f64 {
    let axis_height = if layout.scale.folds.is_empty() {
        34.0
    } else {
        47.0
    };
    let mut pen = Pen {
        layout,
        x: layout.left,
        y: layout.lanes_bottom + axis_height,
    };
    messages(canvas, &mut pen, kinds, selection);
    if pen.x > layout.left {
        pen.wrap();
    }
    states(canvas, &mut pen, history);
    let mut bottom = pen.y + if pen.x > layout.left { ROW } else { 0.0 };
    for remark in remarks(layout, selection) {
        let at = (layout.left, bottom + 10.0);
        canvas.text("small", at, Anchor::Start, &remark);
        bottom += ROW - 2.0;
    }
    if let Some((y, title)) = &layout.title {
        canvas.text("title", (14.0, *y), Anchor::Start, title);
    }
    bottom + 4.0
}

/// The place of the next entry of the legend.
struct Pen<'p> {
    layout: &'p Layout,
    x: f64,
    y: f64,
}

impl Pen<'_> {
    fn wrap(&mut self) {
        self.x = self.layout.left;
        self.y += ROW;
    }

    /// Writes the text of an entry of the legend, and returns the place of the swatch: the small
    /// sample beside the text that shows how the entry looks in the diagram.
    fn entry(&mut self, canvas: &mut Canvas, text: &str) -> (f64, f64) {
        let width = SWATCH + 6.0 + width_of(text, SIZE) + 16.0;
        if self.x + width > self.layout.right + 16.0 && self.x > self.layout.left {
            self.wrap();
        }
        let (x, y) = (self.x, self.y);
        canvas.text("key", (x + SWATCH + 6.0, y + 9.5), Anchor::Start, text);
        self.x += width;
        (x, y + 6.0)
    }
}

fn messages(
    canvas: &mut Canvas,
    pen: &mut Pen<'_>,
    kinds: &Kinds<'_>,
    selection: &Selection<'_, '_>,
) {
    for (number, kind) in kinds.numbered() {
        let (x, y) = pen.entry(canvas, &format!("{} ×{}", kind.name, kind.count));
        let class = format!("ka k{number}");
        canvas.line(&class, (x, y), (x + SWATCH, y), "");
    }
    let lost = |end: &crate::lab::history::End| matches!(end, crate::lab::history::End::Lost(..));
    let mut ends = selection.drawn.iter().flat_map(|flight| &flight.ends);
    if ends.any(lost) {
        let (x, y) = pen.entry(canvas, "lost");
        canvas.line("stem", (x, y), (x + SWATCH - 6.0, y), "");
        let (mid, r) = (x + SWATCH - 6.0, 4.0);
        let cross = format!(
            "M{:.1} {:.1}l{r2} {r2}m0 -{r2}l-{r2} {r2}",
            mid - r,
            y - r,
            r2 = r * 2.0
        );
        canvas.path("x", &cross, "");
    }
}

/// An entry of the legend for a mark, which is the symbol of an event such as a crash: a function
/// that recognises the mark, and the class, the path and the text of the entry.
type Point = (
    fn(&Mark<'_>) -> bool,
    &'static str,
    &'static str,
    &'static str,
);

const POINTS: [Point; 5] = [
    (
        |mark| matches!(mark, Mark::Booted),
        "boot",
        "m0 -5l7 5l-7 5z",
        "boots",
    ),
    (
        |mark| matches!(mark, Mark::Crashed),
        "fault",
        "m-1 -5l10 10m0 -10l-10 10",
        "crashes",
    ),
    (
        |mark| matches!(mark, Mark::Suspected(_)),
        "hint",
        "l5 -5l5 5l-5 5z",
        "suspicion: a peer may have failed",
    ),
    (
        |mark| matches!(mark, Mark::Died(_)),
        "hint",
        "l5 -5l5 5l-5 5z",
        "proof of death of a peer",
    ),
    (
        |mark| matches!(mark, Mark::Commanded(_)),
        "command",
        "l5 -5l5 5l-5 5z",
        "command",
    ),
];

fn states(canvas: &mut Canvas, pen: &mut Pen<'_>, history: &History<'_>) {
    let layout = pen.layout;
    for (_, class, height, text) in bars(layout, history).into_iter().filter(|bar| bar.0) {
        let (x, y) = pen.entry(canvas, text);
        canvas.rect(class, [x, y - height / 2.0, SWATCH, height], "");
    }
    let marks = || history.lanes.iter().flat_map(|lane| &lane.marks);
    for (wanted, class, shape, text) in POINTS {
        if marks().any(|(at_ns, mark)| layout.shows(*at_ns) && wanted(mark)) {
            let (x, y) = pen.entry(canvas, text);
            let shape = format!("M{:.1} {y:.1}{shape}", x + SWATCH - 11.0);
            canvas.path(class, &shape, "");
        }
    }
}

/// Returns the entries of the legend whose swatch (the sample beside the text) is a bar. Each entry
/// has a flag (whether the diagram contains the bar), a class, a height in pixels, and a text.
fn bars(layout: &Layout, history: &History<'_>) -> [(bool, &'static str, f64, &'static str); 9] {
    let lanes = || history.lanes.iter();
    let role = |role: Role| {
        let mut views = lanes().flat_map(|lane| &lane.views);
        views.any(|span| span.what.role == role && layout.extent(span).is_some())
    };
    let life = |life: Life| {
        let mut lives = lanes().flat_map(|lane| &lane.life);
        lives.any(|span| span.what == life && layout.extent(span).is_some())
    };
    let leaders = history.leaders();
    let led = |count: fn(usize) -> bool| {
        let mut spans = leaders.iter();
        spans.any(|span| count(span.what.len()) && layout.extent(span).is_some())
    };
    let mut writes = lanes().flat_map(|lane| &lane.writes);
    let writes = writes.any(|write| layout.shows(write.from_ns));
    [
        (role(Role::Leader), "lead", 11.0, "leader, by its own view"),
        (role(Role::PreCandidate), "precand", 6.0, "pre-candidate"),
        (role(Role::Candidate), "cand", 6.0, "campaigns"),
        (life(Life::Down), "down", 11.0, "down"),
        (life(Life::Paused), "paused", 11.0, "paused"),
        (writes, "disk", 4.0, "durable write"),
        (led(|count| count == 0), "leaderless", 12.0, "no leader"),
        (led(|count| count > 1), "several", 12.0, "split brain"),
        (layout.cuts_top.is_some(), "cutstrip", 12.0, "links cut"),
    ]
}

/// Returns remarks about the messages that are not drawn, and about the folded stretches of time.
/// Without these remarks, readers would think that nothing else happened.
fn remarks(layout: &Layout, selection: &Selection<'_, '_>) -> Vec<String> {
    let mut remarks = Vec::new();
    if selection.omitted > 0 {
        remarks.push(format!("… {} more messages not drawn", selection.omitted));
    }
    if !layout.scale.folds.is_empty() {
        let heartbeats = match selection.folded {
            0 => String::new(),
            folded => format!(", with {folded} heartbeats and acks that are not drawn"),
        };
        remarks.push(format!(
            "Quiet stretches are folded to the lengths written below them{heartbeats}."
        ));
    }
    remarks
}
