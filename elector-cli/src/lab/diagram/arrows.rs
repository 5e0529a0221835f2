use super::{DiagramOptions, canvas::Canvas, kinds::Kinds, layout::Layout};
use crate::lab::history::{End, Flight, History, loss_text};
use crate::lab::timeline::millis;

/// The messages that a diagram shows, and the numbers of messages that it does not show.
#[derive(Debug)]
pub(super) struct Selection<'h, 'a> {
    /// The messages to draw. Routine messages (heartbeats and their acknowledgements) come first,
    /// so that messages of elections are drawn on top of them.
    pub(super) drawn: Vec<&'h Flight<'a>>,
    /// The number of messages that are not drawn because there are more than `max_messages`.
    pub(super) omitted: usize,
    /// The number of routine messages that are not drawn because a fold, which is a stretch that is
    /// drawn with a narrow fixed width, hides a part of their round (the heartbeats that a leader
    /// sends at one time, and the answers).
    pub(super) folded: usize,
}

/// Selects the messages of a run that the diagram draws.
pub(super) fn select<'h, 'a>(
    history: &'h History<'a>,
    layout: &Layout,
    options: &DiagramOptions,
) -> Selection<'h, 'a> {
    let (start_ns, end_ns) = layout.window;
    let inside = |flight: &&Flight<'_>| flight.sent_ns <= end_ns && flight.last_ns() >= start_ns;
    let wanted = |flight: &&Flight<'_>| options.heartbeats || !flight.is_routine();
    let flights = history.flights.iter().filter(inside).filter(wanted);
    // If a fold (a stretch of time that is drawn narrow) hides a part of a round of heartbeats, no
    // message of this round is drawn. Otherwise the picture could show acknowledgements without
    // their heartbeats.
    let rounds = history.rounds();
    let is_torn = |flight: &Flight<'_>| {
        let next = rounds.partition_point(|round| round.0 <= flight.sent_ns);
        let round = next.checked_sub(1).and_then(|last| rounds.get(last));
        round.is_some_and(|&round| !layout.scale.is_straight(round))
    };
    let (folded, mut drawn): (Vec<_>, Vec<_>) =
        flights.partition(|flight| flight.is_routine() && is_torn(flight));
    drawn.sort_by_key(|flight| flight.is_routine());
    let omitted = drawn.len().saturating_sub(options.max_messages);
    drawn.truncate(options.max_messages);
    drawn.sort_by_key(|flight| !flight.is_routine());
    Selection {
        drawn,
        omitted,
        folded: folded.len(),
    }
}

/// Draws the selected messages.
pub(super) fn draw(
    canvas: &mut Canvas,
    layout: &Layout,
    history: &History<'_>,
    kinds: &Kinds<'_>,
    drawn: &[&Flight<'_>],
) {
    for (number, _) in kinds.numbered() {
        canvas.head(&format!("m{number}"), layout.head());
    }
    let height = layout.lanes_bottom - layout.lanes_top;
    let area = [
        layout.left,
        layout.lanes_top,
        layout.right - layout.left,
        height,
    ];
    canvas.clip("lanes", area);
    let hop_ns = history.usual_flight_ns().unwrap_or(0);
    canvas.clipped("lanes", |canvas| {
        for flight in drawn {
            let pen = Pen {
                layout,
                history,
                flight,
                class: format!("k{}", kinds.number(flight.kind)),
                hop_ns,
            };
            pen.draw(canvas);
        }
    });
}

/// What is needed to draw the arrows of one message.
struct Pen<'p, 'h, 'a> {
    layout: &'p Layout,
    history: &'h History<'a>,
    flight: &'h Flight<'a>,
    class: String,
    hop_ns: u64,
}

impl Pen<'_, '_, '_> {
    fn draw(&self, canvas: &mut Canvas) {
        let flight = self.flight;
        let faint = if flight.is_routine() { " faint" } else { "" };
        let mut copies = 0;
        for &end in &flight.ends {
            match end {
                End::Received(at_ns) => {
                    let copy = if copies > 0 { " copy" } else { "" };
                    let class = format!("a {}{faint}{copy}", self.class);
                    let tip = (self.layout.x(at_ns), self.target_y(at_ns));
                    canvas.line(&class, self.origin(), tip, &self.title(Some(end), copies));
                    copies += 1;
                }
                End::Lost(at_ns, _) => {
                    let tip = self.loss_point(at_ns);
                    let title = self.title(Some(end), copies);
                    let class = format!("a {}{faint} lost", self.class);
                    canvas.line(&class, self.origin(), tip, &title);
                    let r = self.layout.head() * 0.5;
                    let corner = |dx: f64, dy: f64| format!("{:.1} {:.1}", tip.0 + dx, tip.1 + dy);
                    let [a, b, c, d] = [corner(-r, -r), corner(r, r), corner(-r, r), corner(r, -r)];
                    let cross = format!("M{a}L{b}M{c}L{d}");
                    canvas.path(&format!("x{faint}"), &cross, &title);
                }
            }
        }
        if flight.ends.is_empty() {
            let tip = self.loss_point(flight.sent_ns);
            let class = format!("a {}{faint} lost", self.class);
            canvas.line(&class, self.origin(), tip, &self.title(None, 0));
        }
    }

    /// Returns 1 if the arrow goes down the page, and -1 if it goes up.
    fn slope(&self) -> f64 {
        (self.layout.y(self.flight.to) - self.layout.y(self.flight.from)).signum()
    }

    fn origin(&self) -> (f64, f64) {
        let Flight { from, sent_ns, .. } = *self.flight;
        let half_thickness = self.layout.half_thickness(self.history, from, sent_ns);
        let y = self.layout.y(from) + self.slope() * half_thickness;
        (self.layout.x(sent_ns), y)
    }

    fn target_y(&self, at_ns: u64) -> f64 {
        let to = self.flight.to;
        let half_thickness = self.layout.half_thickness(self.history, to, at_ns);
        self.layout.y(to) - self.slope() * half_thickness
    }

    /// Returns the end point of the arrow of a message that never arrives. If the network lost the
    /// message when it was sent, the end point is about halfway. If the message was lost at the
    /// receiver, which was not running, the end point is just before the lane of the receiver.
    fn loss_point(&self, at_ns: u64) -> (f64, f64) {
        let (x, y) = self.origin();
        let to = self.layout.y(self.flight.to);
        if at_ns > self.flight.sent_ns {
            let short = (self.layout.pitch * 0.28).min(16.0);
            return (self.layout.x(at_ns), to - self.slope() * short);
        }
        let half = self.layout.x(at_ns.saturating_add(self.hop_ns / 2));
        // The end point, which gets a cross, is between two lanes. On a lane, the cross would seem
        // to belong to the node of that lane.
        let lanes = ((to - y).abs() / self.layout.pitch).round().max(1.0);
        let share = ((lanes * 0.42).floor() + 0.5) / lanes;
        (half.max(x), y + (to - y) * share)
    }

    fn title(&self, end: Option<End>, copies: usize) -> String {
        let flight = self.flight;
        let detail = if flight.detail.starts_with(flight.kind) {
            flight.detail.to_owned()
        } else {
            format!("{} {}", flight.kind, flight.detail)
        };
        let sent = millis(flight.sent_ns);
        let end = match end {
            Some(End::Received(at_ns)) => {
                let took = millis(at_ns.saturating_sub(flight.sent_ns));
                let copy = if copies > 0 { ", a copy" } else { "" };
                format!("received {} ms (after {took} ms{copy})", millis(at_ns))
            }
            Some(End::Lost(at_ns, why)) => format!("lost {} ms: {}", millis(at_ns), loss_text(why)),
            None => "in flight when the run ended".to_owned(),
        };
        let (from, to) = (flight.from, flight.to);
        format!("{from:?} → {to:?}  {detail}\nsent {sent} ms, {end}")
    }
}
