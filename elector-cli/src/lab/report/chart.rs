use maud::{Markup, html};

/// A logarithmic scale from values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Log {
    values: (f64, f64),
    pixels: (f64, f64),
}

impl Log {
    /// Returns a scale with room for all `values`. Both ends of the scale are ticks.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, pixels: (f64, f64)) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let found = positive.fold((f64::MAX, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        // A chart without values still needs axes.
        let (low, high) = if found.1 > 0.0 { found } else { (1.0, 10.0) };
        Self {
            values: (floor(low), ceiling(high)),
            pixels,
        }
    }

    /// Returns the pixel of a value. A value below the scale has the pixel of the beginning of the
    /// scale.
    pub(super) fn at(self, value: f64) -> f64 {
        let (low, high) = (self.values.0.log10(), self.values.1.log10());
        let part = (value.max(self.values.0).log10() - low) / (high - low).max(f64::MIN_POSITIVE);
        self.pixels.0 + part * (self.pixels.1 - self.pixels.0)
    }

    /// Returns the ticks: 1, 2 and 5 times the powers of ten, or only the powers of ten if there is
    /// no room for all.
    pub(super) fn ticks(self) -> Vec<f64> {
        let decades = (self.values.1 / self.values.0).log10();
        let steps: &[f64] = if decades > 2.6 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let from = self.values.0.log10().floor() as i32;
        let to = self.values.1.log10().ceil() as i32;
        let all = (from..=to).flat_map(|power| steps.iter().map(move |s| s * 10_f64.powi(power)));
        let slack = 1.0 + 1e-9;
        all.filter(|tick| *tick * slack >= self.values.0 && *tick <= self.values.1 * slack)
            .collect()
    }
}

/// Returns the greatest of 1, 2 and 5 times a power of ten that is at most `value`.
fn floor(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let steps = [5.0, 2.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step <= value)
        .unwrap_or(power)
}

/// Returns the least of 1, 2 and 5 times a power of ten that is greater than `value`.
fn ceiling(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let steps = [2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step > value)
        .unwrap_or(10.0 * power)
}

/// Returns a short label for the tick at this value.
pub(super) fn label(value: f64) -> String {
    if value >= 1_000.0 {
        format!("{}k", value / 1_000.0)
    } else {
        format!("{value}")
    }
}

/// Formats a length for an SVG. A tenth of a pixel is exact enough, and keeps the page small.
pub(super) fn px(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}

/// Returns the path of a line through these points.
pub(super) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        path.push(if path.is_empty() { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", px(x), px(y)));
    }
    path
}

/// Returns the mark of a point of a series. There are four shapes of marks, so that readers can
/// distinguish series without colour.
pub(super) fn mark(series: usize, x: f64, y: f64) -> Markup {
    let (left, top) = (px(x - 4.0), px(y - 4.0));
    let class = format!("mark s{}", series % SERIES);
    html! {
        @match series % SERIES {
            0 => circle class=(class) cx=(px(x)) cy=(px(y)) r="4.5" {},
            1 => rect class=(class) x=(left) y=(top) width="8" height="8" {},
            2 => path class=(class)
                d={ "M" (px(x)) " " (px(y - 5.5)) "l5.5 9.5h-11z" } {},
            _ => path class=(class)
                d={ "M" (px(x)) " " (px(y - 6.0)) "l6 6l-6 6l-6 -6z" } {},
        }
    }
}

/// The maximum number of series in one chart. A series is the line of one variant.
pub(super) const SERIES: usize = 4;

/// Returns the legend below a chart.
pub(super) fn legend<'a>(names: impl IntoIterator<Item = &'a str>) -> Markup {
    html! {
        ul.legend {
            @for (series, name) in names.into_iter().enumerate() {
                li {
                    svg width="34" height="14" viewBox="0 0 34 14" aria-hidden="true" {
                        path class={ "line s" (series % SERIES) } d="M1 7L33 7" {}
                        (mark(series, 17.0, 7.0))
                    }
                    (name)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A point outside of its chart would be invisible.
    #[test]
    fn the_scale_has_room_for_all_values() {
        let scale = Log::over([3.0, 47.0], (0.0, 100.0));
        assert_eq!(scale.ticks(), [2.0, 5.0, 10.0, 20.0, 50.0]);
        assert!((scale.at(2.0) - 0.0).abs() < 1e-9);
        assert!((scale.at(50.0) - 100.0).abs() < 1e-9);
        assert!(scale.at(3.0) > 0.0 && scale.at(47.0) < 100.0);
    }

    // A chart has no values if there were no elections. It has only the value zero if elections
    // needed no messages (n = 1). It must still have axes.
    #[test]
    fn a_chart_without_values_has_axes() {
        let empty = Log::over([], (0.0, 100.0));
        assert!(!empty.ticks().is_empty());
        let zero = Log::over([0.0], (0.0, 100.0));
        assert!(zero.at(0.0).is_finite());
    }

    // On a scale of five decades, the labels of ticks at 1, 2 and 5 times each power of ten would
    // overlap.
    #[test]
    fn wide_scales_have_fewer_ticks() {
        let wide = Log::over([1.0, 90_000.0], (0.0, 100.0));
        assert_eq!(
            wide.ticks(),
            [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]
        );
    }
}
