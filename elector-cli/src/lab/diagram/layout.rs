use std::collections::BTreeMap;

use elector_core::NodeId;

use super::{DiagramOptions, scale::Scale, window::event_times};
use crate::lab::history::{History, Life};

/// The space on the left of the lanes for the names of the nodes, in pixels.
const LEFT: f64 = 76.0;
const RIGHT: f64 = 18.0;

/// The height in pixels of a strip above the lanes: the strip with the leaders, or the strip with
/// the cuts.
pub(super) const STRIP: f64 = 15.0;

/// The height in pixels of a row of flags, which are the notes above the lanes.
pub(super) const FLAG_ROW: f64 = 16.0;

/// The places of all parts of the diagram. Lengths and coordinates are in pixels.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    /// The part of the run that is shown, in nanoseconds.
    pub(super) window: (u64, u64),
    pub(super) scale: Scale,
    /// The y coordinate of the base line of the title, and the title. `None` if the title is empty.
    pub(super) title: Option<(f64, String)>,
    /// The notes of the host in the shown part of the run, with their places above the lanes.
    pub(super) flags: Vec<Flag>,
    /// The y coordinate of the top of the rows of flags, which are the notes above the lanes.
    pub(super) flags_top: f64,
    /// The y coordinate of the top of the strip with the leaders.
    pub(super) leaders_top: f64,
    /// The y coordinate of the top of the strip with the cut links. `None` if no link is cut in the
    /// shown part of the run.
    pub(super) cuts_top: Option<f64>,
    /// The y coordinates of the top and of the bottom of all lanes together.
    pub(super) lanes_top: f64,
    pub(super) lanes_bottom: f64,
    /// The distance between the middles of two neighbouring lanes, in pixels.
    pub(super) pitch: f64,
    lanes: BTreeMap<NodeId, f64>,
}

/// A note and its place above the lanes.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) at_ns: u64,
    pub(super) x: f64,
    /// The number of the row that has the text of the note, from the top. `None` if there is no
    /// room for the text: then a dot on the pole, which is the vertical line at the moment of the
    /// note, marks the note.
    pub(super) row: Option<usize>,
    /// Whether the text is on the left of its pole, which is the vertical line from the text to the
    /// lanes.
    pub(super) is_left_of_pole: bool,
    pub(super) text: String,
}

impl Layout {
    pub(super) fn new(history: &History<'_>, options: &DiagramOptions) -> Self {
        let width = f64::from(options.width.max(400));
        let (left, right) = (LEFT, width - RIGHT);
        let window = options.window.unwrap_or((history.start_ns, history.end_ns));
        let window = (window.0, window.1.max(window.0.saturating_add(1)));
        let hop_ns = history
            .usual_flight_ns()
            .unwrap_or((window.1 - window.0) / 50);
        let event_times = event_times(history, window);
        let scale = Scale::new(options.time, window, (left, right), &event_times, hop_ns);
        let flags = super::bands::place_flags(history, &scale, window, (left, right));
        let rows = flags.iter().filter_map(|flag| flag.row).max();
        let rows = rows.map_or(0, |row| row + 1);
        let title = (!options.title.is_empty()).then(|| (22.0, options.title.clone()));
        let flags_top = if title.is_some() { 34.0 } else { 8.0 };
        let leaders_top = flags_top + rows as f64 * FLAG_ROW + if rows > 0 { 4.0 } else { 0.0 };
        let is_cut = history.cuts.iter().any(|cut| cut.within(window).is_some());
        let cuts_top = is_cut.then_some(leaders_top + STRIP + 3.0);
        let lanes_top = cuts_top.unwrap_or(leaders_top) + STRIP + 6.0;
        let count = history.lanes.len().max(1) as f64;
        let pitch = (430.0 / count).clamp(8.0, 72.0);
        let place = |(lane, nth): (&crate::lab::history::Lane<'_>, f64)| {
            (lane.node, lanes_top + (nth + 0.5) * pitch)
        };
        let nths = (0..history.lanes.len()).map(|nth| nth as f64);
        Self {
            width,
            left,
            right,
            window,
            scale,
            title,
            flags,
            flags_top,
            leaders_top,
            cuts_top,
            lanes_top,
            lanes_bottom: lanes_top + count * pitch,
            pitch,
            lanes: history.lanes.iter().zip(nths).map(place).collect(),
        }
    }

    /// Returns the x coordinate of a moment.
    pub(super) fn x(&self, at_ns: u64) -> f64 {
        self.scale.x(at_ns)
    }

    /// Returns the y coordinate of the middle of a node's lane.
    pub(super) fn y(&self, node: NodeId) -> f64 {
        self.lanes.get(&node).copied().unwrap_or(self.lanes_top)
    }

    /// Returns `true` if a moment is in the part of the run that is shown.
    pub(super) fn shows(&self, at_ns: u64) -> bool {
        (self.window.0..=self.window.1).contains(&at_ns)
    }

    /// Returns the x coordinates where a span of time begins and ends, limited to the part of the
    /// run that is shown. Returns `None` if no part of the span is shown.
    pub(super) fn extent<T>(&self, span: &crate::lab::history::Span<T>) -> Option<(f64, f64)> {
        let (from, to) = span.within(self.window)?;
        Some((self.x(from), self.x(to)))
    }

    /// Returns the thickness of the bar of a leader.
    pub(super) fn leader_bar(&self) -> f64 {
        (self.pitch * 0.3).clamp(4.0, 13.0)
    }

    /// Returns the thickness of the bar of a candidate or a pre-candidate.
    pub(super) fn candidate_bar(&self) -> f64 {
        (self.pitch * 0.17).clamp(2.5, 7.0)
    }

    /// Returns the length of an arrow head.
    pub(super) fn head(&self) -> f64 {
        (self.pitch * 0.2).clamp(3.5, 8.0)
    }

    /// Returns the distance from the middle of the lane of `node` to the edge of the bar on this
    /// lane at a moment. Arrows begin and end at this edge.
    pub(super) fn half_thickness(&self, history: &History<'_>, node: NodeId, at_ns: u64) -> f64 {
        let lane = history.lanes.binary_search_by_key(&node, |lane| lane.node);
        let Some(lane) = lane.ok().and_then(|place| history.lanes.get(place)) else {
            return 0.0;
        };
        let role = lane.view_at(at_ns).map(|view| view.role);
        match (lane.life_at(at_ns), role) {
            (Life::Running, Some(elector_core::Role::Leader)) => self.leader_bar() / 2.0,
            (Life::Running, Some(role)) if role.campaigns() => self.candidate_bar() / 2.0,
            _ => 0.5,
        }
    }
}
