//! A run as a space-time diagram (Lamport, "Time, Clocks, and the Ordering of Events in a
//! Distributed System", 1978), in SVG: one lane a node, time from left to right, an arrow for
//! every message.

mod arrows;
mod axis;
mod bands;
mod canvas;
mod kinds;
mod lanes;
mod layout;
mod legend;
mod scale;
mod style;
mod window;

use elector_core::trace::Record;

use crate::lab::history::History;
use canvas::Canvas;
use layout::Layout;

pub use window::interesting_window;

/// What a diagram shows, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramOptions {
    /// Begins every id and class in the SVG; must differ between the diagrams of one page.
    /// Characters that may not stand in an id are left out.
    pub id_prefix: String,
    /// Stands above it; may be empty.
    pub title: String,
    /// The part of the run to show, as `(start, end)` in nanoseconds; `None` for all of it.
    /// [`interesting_window`] finds a good one.
    pub window: Option<(u64, u64)>,
    /// Width in CSS pixels; at least 400.
    pub width: u32,
    /// Whether routine heartbeats and their acknowledgements are drawn, faintly.
    pub heartbeats: bool,
    /// How time becomes length.
    pub time: TimeScale,
    /// Colours.
    pub theme: Theme,
    /// Messages drawn at most; those of elections come first, then the earliest.
    pub max_messages: usize,
}

impl Default for DiagramOptions {
    fn default() -> Self {
        Self {
            id_prefix: "run".to_owned(),
            title: String::new(),
            window: None,
            width: 1_200,
            heartbeats: true,
            time: TimeScale::Folded,
            theme: Theme::Auto,
            max_messages: 1_500,
        }
    }
}

/// How time becomes length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeScale {
    /// Quiet stretches are folded into narrow strips that say how long they are, so that an
    /// election of a few milliseconds can be read in a run of many seconds. Between the strips
    /// the scale is one and the same.
    #[default]
    Folded,
    /// One scale all through.
    Linear,
}

/// The colours of a diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light, or dark where the reader's system prefers it (`prefers-color-scheme`).
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Draws a run. The SVG stands alone, and may also be put into an HTML page as it is.
#[must_use]
pub fn svg(records: &[Record], options: &DiagramOptions) -> String {
    let history = History::read(records);
    let layout = Layout::new(&history, options);
    let arrows = arrows::chosen(&history, &layout, options);
    let kinds = kinds::Kinds::of(&history, &arrows.drawn);
    let mut canvas = Canvas::new(&options.id_prefix);
    bands::shades(&mut canvas, &layout, &history);
    lanes::draw(&mut canvas, &layout, &history);
    axis::folds(&mut canvas, &layout);
    arrows::draw(&mut canvas, &layout, &history, &kinds, &arrows.drawn);
    lanes::label(&mut canvas, &layout, &history);
    bands::flags(&mut canvas, &layout);
    bands::strips(&mut canvas, &layout, &history);
    axis::draw(&mut canvas, &layout);
    let height = legend::draw(&mut canvas, &layout, &history, &kinds, &arrows);
    let style = style::sheet(canvas.prefix(), options.theme, &layout, &kinds);
    canvas.finish(&options.title, (layout.width, height), &style)
}

#[cfg(test)]
mod tests;
