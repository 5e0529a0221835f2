use super::TimeScale;

/// The possible widths of a fold, in pixels. A fold is a long stretch in which nothing happens,
/// drawn with a narrow fixed width. The first width at which all folds have room is used.
const FOLD_PX: [f64; 3] = [46.0, 34.0, 24.0];

/// The maximum share of the width of the diagram that all folds (stretches of time that are drawn
/// narrow) may use together.
const MAX_FOLDED_SHARE: f64 = 0.5;

/// Maps moments to x coordinates. The map is piecewise linear and never decreases.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    /// Points of the map: moments in nanoseconds with their x coordinates, both ascending. The map
    /// is linear between two neighbouring points. There are at least two points.
    knots: Vec<(u64, f64)>,
    /// The folds, as `(start, end)` in nanoseconds: long stretches in which nothing happens. In the
    /// diagram, all folds have the same narrow width.
    pub(super) folds: Vec<(u64, u64)>,
    /// The number of pixels for one nanosecond, outside of the [`folds`](Self::folds).
    pub(super) px_per_ns: f64,
}

impl Scale {
    /// Creates a scale that maps the moments of `window` to the x coordinates `left..=right`.
    ///
    /// With [`TimeScale::Folded`], the scale folds long stretches in which nothing happens.
    /// `moments` are the moments at which something happens, in ascending order. `hop_ns` is the
    /// time that a message usually takes: a stretch of at most six such times is not folded.
    pub(super) fn new(
        time: TimeScale,
        window: (u64, u64),
        (left, right): (f64, f64),
        moments: &[u64],
        hop_ns: u64,
    ) -> Self {
        let (folds, fold_px) = match time {
            TimeScale::Linear => (Vec::new(), 0.0),
            TimeScale::Folded => {
                let quiet = quiet(window, moments, hop_ns);
                fold(window, right - left, &quiet)
            }
        };
        let (start_ns, end_ns) = (window.0, window.1.max(window.0 + 1));
        let folded: u64 = folds.iter().map(|fold| fold.1 - fold.0).sum();
        let straight_ns = (end_ns - start_ns - folded).max(1) as f64;
        let px_per_ns = (right - left - folds.len() as f64 * fold_px) / straight_ns;
        let mut knots = vec![(start_ns, left)];
        let (mut at, mut x) = (start_ns, left);
        for &(from, to) in &folds {
            x += (from - at) as f64 * px_per_ns;
            knots.push((from, x));
            x += fold_px;
            knots.push((to, x));
            at = to;
        }
        knots.push((end_ns, right));
        knots.dedup_by_key(|knot| knot.0);
        Self {
            knots,
            folds,
            px_per_ns,
        }
    }

    /// Returns the x coordinate of a moment. A moment outside of the window has an x coordinate
    /// outside of `left..=right`.
    pub(super) fn x(&self, at_ns: u64) -> f64 {
        let next = self.knots.partition_point(|knot| knot.0 <= at_ns);
        let (Some(&before), Some(&after)) = (
            next.checked_sub(1).and_then(|last| self.knots.get(last)),
            self.knots.get(next),
        ) else {
            let edge = if next == 0 {
                self.knots.first()
            } else {
                self.knots.last()
            };
            let (edge_ns, edge_x) = edge.copied().unwrap_or_default();
            return edge_x + (at_ns as f64 - edge_ns as f64) * self.px_per_ns;
        };
        let share = (at_ns - before.0) as f64 / (after.0 - before.0) as f64;
        before.1 + share * (after.1 - before.1)
    }

    /// Returns `true` if this moment is in one of the [`folds`](Self::folds).
    pub(super) fn is_folded(&self, at_ns: u64) -> bool {
        let mut folds = self.folds.iter();
        folds.any(|&(from, to)| (from..to).contains(&at_ns))
    }

    /// Returns `true` if no part of this stretch of time is in one of the [`folds`](Self::folds).
    pub(super) fn is_straight(&self, (start, end): (u64, u64)) -> bool {
        let mut folds = self.folds.iter();
        !folds.any(|&(from, to)| from < end && start < to)
    }

    /// Returns where the parts of a stretch of time begin and end that are outside of the
    /// [`folds`](Self::folds), as x coordinates.
    pub(super) fn straight(&self, (start, end): (u64, u64)) -> Vec<(f64, f64)> {
        let mut parts = Vec::new();
        let mut from = start;
        for &fold in self
            .folds
            .iter()
            .filter(|fold| fold.0 < end && start < fold.1)
        {
            parts.push((self.x(from), self.x(fold.0)));
            from = fold.1;
        }
        parts.push((self.x(from), self.x(end)));
        parts.retain(|part| part.0 < part.1);
        parts
    }

    /// Returns the moments of the ticks, and the step between them. The step is 1, 2 or 5 times a
    /// power of ten, and long enough that the labels of two ticks do not overlap. Each moment is a
    /// multiple of the step. No tick is in one of the [`folds`](Self::folds), because the inside of
    /// a fold is not drawn to scale.
    pub(super) fn ticks(&self, window: (u64, u64)) -> (Vec<u64>, u64) {
        let wanted_ns = 56.0 / self.px_per_ns;
        let mut step = 1_u64;
        while (step as f64) < wanted_ns && step < u64::MAX / 10 {
            let first = step.to_string().starts_with('2');
            step = if first { step / 2 * 5 } else { step * 2 };
        }
        let first = window.0.div_ceil(step).saturating_mul(step);
        let mut ticks = Vec::new();
        let mut at = first;
        while at <= window.1 {
            if self.is_folded(at) {
                // A long fold (a stretch of time that is drawn narrow) can contain millions of
                // multiples of the step, so continue at its end.
                let fold = self.folds.iter().find(|fold| at < fold.1);
                at = fold.map_or(at, |fold| fold.1.div_ceil(step).saturating_mul(step));
                continue;
            }
            ticks.push(at);
            match at.checked_add(step) {
                Some(next) => at = next,
                None => break,
            }
        }
        (ticks, step)
    }
}

/// Returns the stretches of time that may be folded, which means drawn with a narrow fixed width,
/// because nothing happens in them. The longest stretch comes first.
fn quiet(window: (u64, u64), moments: &[u64], hop_ns: u64) -> Vec<(u64, u64)> {
    let inside = moments.iter().filter(|&&at| at > window.0 && at < window.1);
    let mut all = vec![window.0];
    all.extend(inside);
    all.push(window.1);
    // Within a few hops (the time that a message usually takes), a cause and its effect must stay
    // visible next to each other. So a stretch of this length is never folded.
    let least = hop_ns.saturating_mul(6).max(1);
    let pairs = all.windows(2).filter_map(|pair| match *pair {
        // A time of one hop (the time that a message usually takes) at both ends of the stretch
        // stays unfolded, so that the events at the ends keep their distance from the fold.
        [from, to] if to.saturating_sub(from) > least => Some((from + hop_ns, to - hop_ns)),
        _ => None,
    });
    let mut quiet: Vec<(u64, u64)> = pairs.collect();
    quiet.sort_by_key(|&(from, to)| (std::cmp::Reverse(to - from), from));
    quiet
}

/// Selects the stretches to fold, the longest first. The selection ends at the first stretch that a
/// fold would not make clearly narrower, or for whose fold there is no room. Returns the stretches,
/// and the width of a fold in pixels.
fn fold(window: (u64, u64), width: f64, quiet: &[(u64, u64)]) -> (Vec<(u64, u64)>, f64) {
    let mut chosen = Vec::new();
    for fold_px in FOLD_PX {
        chosen.clear();
        let mut left_ns = (window.1.saturating_sub(window.0)).max(1) as f64;
        let mut left_px = width;
        let mut room = true;
        for &(from, to) in quiet {
            let length = (to - from) as f64;
            let narrower = length / left_ns * left_px > 1.5 * fold_px;
            room = left_px - fold_px >= width * (1.0 - MAX_FOLDED_SHARE);
            if !narrower || !room {
                break;
            }
            chosen.push((from, to));
            left_ns = (left_ns - length).max(1.0);
            left_px -= fold_px;
        }
        chosen.sort_unstable();
        if room {
            return (chosen, fold_px);
        }
    }
    (chosen, FOLD_PX[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    // Readers compare messages by the slopes of their arrows: two messages that took the same time
    // must have the same slope at every place outside of folds, the stretches of time that are
    // drawn narrow.
    #[test]
    fn the_scale_is_the_same_everywhere_outside_of_folds() {
        let moments = [5 * MS, 6 * MS, 500 * MS, 501 * MS];
        let window = (0, 1_000 * MS);
        let scale = Scale::new(TimeScale::Folded, window, (100.0, 900.0), &moments, MS);
        assert_eq!(scale.folds, [(7 * MS, 499 * MS), (502 * MS, 999 * MS)]);
        let length = |from: u64, to: u64| scale.x(to) - scale.x(from);
        assert!((length(5 * MS, 6 * MS) - length(500 * MS, 501 * MS)).abs() < 1e-6);
        assert!((length(7 * MS, 499 * MS) - FOLD_PX[0]).abs() < 1e-6);
        assert_eq!((scale.x(0), scale.x(1_000 * MS)), (100.0, 900.0));
    }

    // Readers cannot use an axis without legible ticks. They cannot use an axis with thousands of
    // ticks, either.
    #[test]
    fn ticks_are_round_and_outside_of_folds() {
        let moments = [5 * MS, 6 * MS];
        let window = (0, 3_600_000 * MS);
        let scale = Scale::new(TimeScale::Folded, window, (0.0, 800.0), &moments, MS);
        let (ticks, step) = scale.ticks(window);
        assert_eq!(step, MS);
        assert!(ticks.len() <= 12 && ticks.iter().all(|&at| !scale.is_folded(at)));
    }
}
