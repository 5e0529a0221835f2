//! Draws a run as a space-time diagram in SVG (Lamport, "Time, Clocks, and the Ordering of Events
//! in a Distributed System", 1978): one lane per node, time from left to right, one arrow per
//! message.

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

/// The content and the look of a diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramOptions {
    /// The prefix of every id and class in the SVG. It must differ between the diagrams of one
    /// page. Characters that are not valid in an id are removed.
    pub id_prefix: String,
    /// The title above the diagram. The title may be empty.
    pub title: String,
    /// The part of the run to show, as `(start, end)` in nanoseconds; `None` for the whole run.
    /// [`interesting_window`] finds a good window.
    pub window: Option<(u64, u64)>,
    /// The width in CSS pixels. The minimum is 400.
    pub width: u32,
    /// Whether to draw routine heartbeats and their acknowledgements, in a faint colour.
    pub heartbeats: bool,
    /// The scale of the time axis.
    pub time: TimeScale,
    /// The colours.
    pub theme: Theme,
    /// The maximum number of messages to draw. If there are more, messages of elections are
    /// selected first, and then the earliest routine messages.
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

/// The scale of the time axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeScale {
    /// Draws stretches in which nothing happens as narrow strips (folds), each with its length. So
    /// an election of a few milliseconds is legible in a run of many seconds. Outside of the folds
    /// the scale is the same everywhere.
    #[default]
    Folded,
    /// Uses one scale for the whole run, and folds no stretch.
    Linear,
}

/// The colours of a diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light colours, or dark colours if the reader's system prefers them (`prefers-color-scheme`).
    #[default]
    Auto,
    /// Light colours.
    Light,
    /// Dark colours.
    Dark,
}

/// Draws a run from its trace. The SVG is a complete file, and can also be part of an HTML page.
#[must_use]
pub fn svg(records: &[Record], options: &DiagramOptions) -> String {
    let history = History::read(records);
    let layout = Layout::new(&history, options);
    let arrows = arrows::select(&history, &layout, options);
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
