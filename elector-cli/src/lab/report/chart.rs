use maud::{Markup, html};

/// A logarithmic scale from values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Log {
    values: (f64, f64),
    pixels: (f64, f64),
}

impl Log {
    /// A scale that has room for all `values`, from a tick to a tick.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, pixels: (f64, f64)) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let found = positive.fold((f64::MAX, 0.0_f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        // Nothing to show still needs axes.
        let (low, high) = if found.1 > 0.0 { found } else { (1.0, 10.0) };
        Self {
            values: (floor(low), ceiling(high)),
            pixels,
        }
    }

    /// Where a value is; those below the scale are at its beginning.
    pub(super) fn at(self, value: f64) -> f64 {
        let (low, high) = (self.values.0.log10(), self.values.1.log10());
        let part = (value.max(self.values.0).log10() - low) / (high - low).max(f64::MIN_POSITIVE);
        self.pixels.0 + part * (self.pixels.1 - self.pixels.0)
    }

    /// 1, 2 and 5 times the powers of ten, as far as there is room for them.
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

/// The greatest of 1, 2, 5 times a power of ten that is no more than this.
fn floor(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let steps = [5.0, 2.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step <= value)
        .unwrap_or(power)
}

/// The least of 1, 2, 5 times a power of ten that is more than this.
fn ceiling(value: f64) -> f64 {
    let power = 10_f64.powi(value.log10().floor() as i32);
    let steps = [2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step > value)
        .unwrap_or(10.0 * power)
}

/// A tick's value, as short as it can be.
pub(super) fn label(value: f64) -> String {
    if value >= 1_000.0 {
        format!("{}k", value / 1_000.0)
    } else {
        format!("{value}")
    }
}

/// A length in an SVG: a tenth of a pixel is enough, and keeps the page small.
pub(super) fn px(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}")
}

/// A line through points.
pub(super) fn path(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (x, y) in points {
        path.push(if path.is_empty() { 'M' } else { 'L' });
        path.push_str(&format!("{} {}", px(x), px(y)));
    }
    path
}

/// A mark of one of four shapes, so that series can be told apart without colour.
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

/// As many series as one chart can tell apart.
pub(super) const SERIES: usize = 4;

/// The legend below a chart.
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

    // A point outside its chart is a point that nobody sees.
    #[test]
    fn the_scale_holds_what_it_was_made_for() {
        let scale = Log::over([3.0, 47.0], (0.0, 100.0));
        assert_eq!(scale.ticks(), [2.0, 5.0, 10.0, 20.0, 50.0]);
        assert!((scale.at(2.0) - 0.0).abs() < 1e-9);
        assert!((scale.at(50.0) - 100.0).abs() < 1e-9);
        assert!(scale.at(3.0) > 0.0 && scale.at(47.0) < 100.0);
    }

    // No elections at all, and elections of no messages (n = 1), must draw an empty chart.
    #[test]
    fn nothing_to_show_gives_axes_all_the_same() {
        let empty = Log::over([], (0.0, 100.0));
        assert!(!empty.ticks().is_empty());
        let zero = Log::over([0.0], (0.0, 100.0));
        assert!(zero.at(0.0).is_finite());
    }

    // Five decades of ticks at 1, 2 and 5 would print over each other.
    #[test]
    fn wide_scales_have_fewer_ticks() {
        let wide = Log::over([1.0, 90_000.0], (0.0, 100.0));
        assert_eq!(
            wide.ticks(),
            [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0]
        );
    }
}
