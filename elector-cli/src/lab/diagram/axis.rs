use super::{
    bands::brief,
    canvas::{Anchor, Canvas, width_of},
    layout::Layout,
};

/// Draws each fold, which is a long stretch in which nothing happens, as a veil over the lanes.
pub(super) fn folds(canvas: &mut Canvas, layout: &Layout) {
    let (top, bottom) = (layout.lanes_top, layout.lanes_bottom);
    for &(from_ns, to_ns) in &layout.scale.folds {
        let (from, to) = (layout.x(from_ns), layout.x(to_ns));
        let title = format!("{} folded", brief(to_ns - from_ns));
        canvas.rect("fold", [from, top, to - from, bottom - top], &title);
        for x in [from, to] {
            canvas.line("seam", (x, top), (x, bottom), "");
        }
    }
}

/// Draws the time axis below the lanes.
pub(super) fn draw(canvas: &mut Canvas, layout: &Layout) {
    let y = layout.lanes_bottom + 3.0;
    canvas.line("axis", (layout.left, y), (layout.right, y), "");
    let at = (layout.left - 30.0, y + 16.0);
    canvas.text("small", at, Anchor::End, "ms");
    let (ticks, step) = layout.scale.ticks(layout.window);
    let mut free_from = f64::MIN;
    for at_ns in with_tick_in_each_stretch(layout, ticks) {
        let x = layout.x(at_ns);
        let label = tick(at_ns, step);
        let half = width_of(&label, 11.0) / 2.0;
        canvas.line("axis", (x, y), (x, y + 4.0), "");
        if x - half > free_from && x + half < layout.width - 2.0 {
            canvas.text("time", (x, y + 16.0), Anchor::Middle, &label);
            free_from = x + half + 5.0;
        }
    }
    let mut free_from = f64::MIN;
    for &(from_ns, to_ns) in &layout.scale.folds {
        let (from, to) = (layout.x(from_ns), layout.x(to_ns));
        let middle = (from + to) / 2.0;
        let wave = format!("M{:.1} {y:.1}l4 -4l6 8l6 -8l4 4", middle - 10.0);
        canvas.rect("gap", [from + 1.0, y - 2.0, to - from - 2.0, 4.0], "");
        canvas.path("axis wave", &wave, "");
        let label = brief(to_ns - from_ns);
        let half = width_of(&label, 10.0) / 2.0;
        if middle - half > free_from {
            canvas.text("skip", (middle, y + 29.0), Anchor::Middle, &label);
            free_from = middle + half + 3.0;
        }
    }
}

/// Returns the ticks in ascending order, with one more tick in the middle of each stretch between
/// two folds that has no tick in `ticks`. A fold is a long stretch in which nothing happens, drawn
/// with a narrow fixed width.
fn with_tick_in_each_stretch(layout: &Layout, mut ticks: Vec<u64>) -> Vec<u64> {
    let mut from = layout.window.0;
    let ends = layout.scale.folds.iter().map(|fold| (fold.0, fold.1));
    for (to, next) in ends.chain([(layout.window.1, layout.window.1)]) {
        if !ticks.iter().any(|at| (from..=to).contains(at)) {
            ticks.push(from + (to - from) / 2);
        }
        from = next;
    }
    ticks.sort_unstable();
    ticks
}

/// Returns the label of the tick at a moment, in milliseconds, with as many decimals as the step
/// between ticks needs. The label of a moment that is not a multiple of the step has at least one
/// decimal.
fn tick(at_ns: u64, step_ns: u64) -> String {
    let step_ns = if at_ns.is_multiple_of(step_ns) {
        step_ns
    } else {
        step_ns.min(100_000)
    };
    let decimals = match step_ns {
        1_000_000.. => 0,
        100_000.. => 1,
        10_000.. => 2,
        1_000.. => 3,
        _ => 6,
    };
    format!("{:.decimals$}", at_ns as f64 / 1e6)
}
