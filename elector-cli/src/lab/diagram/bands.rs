use super::{
    canvas::{Anchor, Canvas, width_of},
    layout::{FLAG_ROW, Flag, Layout, STRIP},
    scale::Scale,
};
use crate::lab::{
    history::{History, Leaders, Span},
    timeline::millis,
};

/// The maximum number of rows of flags, which are the notes above the lanes. More rows would leave
/// no room for the diagram.
const MAX_FLAG_ROWS: usize = 4;

/// The maximum length of a note, in characters. A longer note is shortened.
const MAX_FLAG_CHARS: usize = 70;

const FLAG_SIZE: f64 = 11.0;

/// Tints the lanes while links are cut, while no node leads, and while several nodes lead.
pub(super) fn shades(canvas: &mut Canvas, layout: &Layout, history: &History<'_>) {
    canvas.hatch("hs", 6.0, -45);
    let (top, height) = (layout.lanes_top, layout.lanes_bottom - layout.lanes_top);
    for span in merged(history.leaders()) {
        let class = match span.what.len() {
            0 => "idle",
            1 => continue,
            _ => "split",
        };
        if let Some((from, to)) = layout.extent(&span) {
            canvas.rect(class, [from, top, to - from, height], "");
        }
    }
    for span in &history.cuts {
        if let Some((from, to)) = layout.extent(span) {
            canvas.rect("cut", [from, top, to - from, height], "");
        }
    }
}

/// Draws the strips above the lanes: one strip with the leaders, and one strip with the cut links.
pub(super) fn strips(canvas: &mut Canvas, layout: &Layout, history: &History<'_>) {
    let name = |canvas: &mut Canvas, top: f64, text: &str| {
        let at = (layout.left - 10.0, top + STRIP - 4.0);
        canvas.text("small", at, Anchor::End, text);
    };
    name(canvas, layout.leaders_top, "leader");
    for span in merged(history.leaders()) {
        leader(canvas, layout, &span);
    }
    if let Some(top) = layout.cuts_top {
        name(canvas, top, "network");
        for span in &history.cuts {
            let text = history.describe_cut(span.what);
            let cell = Cell {
                class: "cutstrip",
                full: format!("cut: {text}"),
                short: text,
            };
            strip(canvas, layout, top, span, &cell);
        }
    }
}

/// Merges consecutive spans of a split brain, in which two or more nodes lead, into one span. The
/// set of leaders may change within the merged span. The merged span contains all nodes that led in
/// it.
fn merged(spans: Vec<Span<Leaders>>) -> Vec<Span<Leaders>> {
    let mut merged: Vec<Span<Leaders>> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if last.what.len() > 1 && span.what.len() > 1 => {
                last.to_ns = span.to_ns;
                last.what.extend(span.what);
                last.what.sort_unstable();
                last.what.dedup();
            }
            _ => merged.push(span),
        }
    }
    merged
}

/// The text and the look of one span of time in a strip above the lanes.
struct Cell {
    class: &'static str,
    full: String,
    short: String,
}

fn leader(canvas: &mut Canvas, layout: &Layout, span: &Span<Leaders>) {
    let lasts = brief(span.to_ns - span.from_ns);
    let cell = match span.what.as_slice() {
        [] => Cell {
            class: "leaderless",
            full: format!("no leader for {lasts}"),
            short: lasts,
        },
        [(node, epoch)] => Cell {
            class: "one",
            full: format!("{node:?} leads, epoch {epoch}"),
            short: format!("{node:?}"),
        },
        several => {
            let names = several
                .iter()
                .map(|(node, epoch)| format!("{node:?} (e{epoch})"));
            let names = names.collect::<Vec<_>>().join(", ");
            Cell {
                class: "several",
                full: format!("split brain for {lasts}: {names}"),
                short: "split brain".to_owned(),
            }
        }
    };
    strip(canvas, layout, layout.leaders_top, span, &cell);
}

fn strip<T>(canvas: &mut Canvas, layout: &Layout, top: f64, span: &Span<T>, cell: &Cell) {
    let Some((from, to)) = layout.extent(span) else {
        return;
    };
    let (start, end) = (millis(span.from_ns), millis(span.to_ns));
    let title = format!("{}\n{start} – {end} ms", cell.full);
    canvas.rect(cell.class, [from, top, to - from, STRIP], &title);
    let fits = |text: &&String| width_of(text, 10.0) + 8.0 < to - from;
    if let Some(text) = [&cell.full, &cell.short].into_iter().find(fits) {
        let class = format!("{}-t strip-t", cell.class);
        let at = (from + 4.0, top + STRIP - 4.2);
        canvas.text(&class, at, Anchor::Start, text);
    }
}

/// Finds a place for each note, such that no text and no pole of a note crosses the text of another
/// note. A pole is the vertical line from the text to the lanes.
pub(super) fn place_flags(
    history: &History<'_>,
    scale: &Scale,
    window: (u64, u64),
    (left, right): (f64, f64),
) -> Vec<Flag> {
    let mut used: Vec<(usize, f64, (f64, f64))> = Vec::new();
    let shown = history.notes.iter();
    let shown = shown.filter(|note| (window.0..=window.1).contains(&note.0));
    let flags = shown.map(|&(at_ns, node, text)| {
        let text = node.map_or(String::new(), |node| format!("{node:?}: ")) + text;
        let text = shortened(&text);
        let (x, width) = (scale.x(at_ns), width_of(&text, FLAG_SIZE) + 12.0);
        let clear = |row: usize, (from, to): (f64, f64)| {
            used.iter().all(|&(other, pole, extent)| {
                let over = |at: f64, (from, to): (f64, f64)| at > from + 1.0 && at < to - 1.0;
                match other.cmp(&row) {
                    std::cmp::Ordering::Equal => to <= extent.0 || extent.1 <= from,
                    std::cmp::Ordering::Greater => !over(x, extent),
                    std::cmp::Ordering::Less => !over(pole, (from, to)),
                }
            })
        };
        let sides = [(x, x + width), (x - width, x)];
        let places = (0..MAX_FLAG_ROWS).flat_map(|row| sides.map(|side| (row, side)));
        let mut inside = places.filter(|(_, side)| side.0 >= left - 4.0 && side.1 <= right + 4.0);
        let place = inside.find(|&(row, side)| clear(row, side));
        if let Some((row, side)) = place {
            used.push((row, x, side));
        }
        Flag {
            at_ns,
            x,
            row: place.map(|(row, _)| row),
            is_left_of_pole: place.is_some_and(|(_, side)| side.0 < x),
            text,
        }
    });
    flags.collect()
}

/// Draws the notes as flags: each has a text above the lanes, and a pole down to the lanes.
pub(super) fn flags(canvas: &mut Canvas, layout: &Layout) {
    for flag in &layout.flags {
        let x = flag.x;
        let title = format!("{}\n{} ms", flag.text, millis(flag.at_ns));
        let top = match flag.row {
            Some(row) => layout.flags_top + row as f64 * FLAG_ROW,
            None => layout.leaders_top - 3.0,
        };
        canvas.line("pole", (x, top), (x, layout.lanes_bottom), &title);
        if flag.row.is_none() {
            canvas.circle("knob", (x, top), 3.0, &title);
            continue;
        }
        let (at, anchor, wing) = if flag.is_left_of_pole {
            (x - 8.0, Anchor::End, -5.0)
        } else {
            (x + 8.0, Anchor::Start, 5.0)
        };
        let shape = format!(
            "M{x:.1} {:.1}L{:.1} {:.1}L{x:.1} {:.1}z",
            top + 1.0,
            x + wing,
            top + 4.5,
            top + 8.0
        );
        canvas.path("knob", &shape, &title);
        canvas.text("flag", (at, top + 9.0), anchor, &flag.text);
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_FLAG_CHARS {
        return text.to_owned();
    }
    let kept = text.chars().take(MAX_FLAG_CHARS - 1);
    kept.chain(['…']).collect()
}

/// Returns a length of time as text, with a suitable unit and few digits.
pub(super) fn brief(ns: u64) -> String {
    let (unit, value) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => ("µs", ns as f64 / 1e3),
        1_000_000..10_000_000_000 => ("ms", ns as f64 / 1e6),
        _ => ("s", ns as f64 / 1e9),
    };
    if value < 10.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}
