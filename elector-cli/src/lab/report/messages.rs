use maud::{Markup, html};

use super::chart::{Log, SERIES, label, legend, mark, path, px};
use crate::lab::{crash::Crash, registry::Entry, study::Study};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 444.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 244.0;

/// Returns charts of the number of messages of an election against the number of nodes: one chart
/// per algorithm, all with the same scale.
pub(super) fn section(study: &Study) -> Markup {
    let sizes = study.sizes();
    let all: Vec<Series<'_>> = study
        .entries
        .iter()
        .map(|entry| series(study, entry))
        .collect();
    let measured = all
        .iter()
        .flat_map(|series| series.measured.iter().map(|point| point.1));
    let forms = all
        .iter()
        .flat_map(|series| series.form.iter().flat_map(|form| [form.1, form.2]));
    let y = Log::over(measured.chain(forms), (BOTTOM, TOP));
    let x = NodeScale::over(&sizes);
    html! {
        p {
            "The first election in " em { (study.reference()) } ". Points: the measured mean. \
             Lines and shades: the closed forms, from best to worst, if one node notices the \
             failure. More messages are sent if several nodes notice it at the same time. The \
             points include Ring's acknowledgements of hops, the closed forms do not."
        }
        div.charts {
            @for group in groups(&all) {
                figure {
                    figcaption { (group[0].entry.contestant.algorithm) }
                    (chart(group, x, y, &sizes))
                    (legend(group.iter().map(|s| s.entry.contestant.variant.as_str())))
                }
            }
        }
    }
}

/// What a chart shows about one variant: the measured means as `(nodes, messages)`, and the closed
/// form (the numbers that a formula gives) as `(nodes, best, worst)`.
struct Series<'a> {
    entry: &'a Entry,
    measured: Vec<(f64, f64)>,
    form: Vec<(f64, f64, f64)>,
}

fn series<'a>(study: &Study, entry: &'a Entry) -> Series<'a> {
    let sizes = study.sizes();
    let measured = sizes.iter().filter_map(|&nodes| {
        let (cell, _) = study.cell(entry, study.reference(), nodes)?;
        Some((nodes as f64, Crash::of(cell)?.messages))
    });
    let (least, most) = (sizes.first().copied(), sizes.last().copied());
    let (least, most) = (least.unwrap_or(1), most.unwrap_or(1));
    // A chart has no room for more than about a hundred points of a curve.
    let step = ((most - least) / 60).max(1);
    let between = (least..=most)
        .step_by(usize::try_from(step).unwrap_or(1))
        .chain([most]);
    let form = between.filter_map(|nodes| {
        let form = entry.contestant.expected_messages(nodes)?;
        Some((nodes as f64, *form.start() as f64, *form.end() as f64))
    });
    Series {
        entry,
        measured: measured.collect(),
        form: form.collect(),
    }
}

/// Returns the variants in groups, one for each chart. A group has only variants of one algorithm,
/// and at most `SERIES` of them.
fn groups<'a>(all: &'a [Series<'a>]) -> Vec<&'a [Series<'a>]> {
    let same = |a: &Series<'_>, b: &Series<'_>| {
        a.entry.contestant.algorithm == b.entry.contestant.algorithm
    };
    let families = all.chunk_by(same);
    families.flat_map(|family| family.chunks(SERIES)).collect()
}

/// The horizontal scale of a chart: the number of nodes.
#[derive(Clone, Copy)]
struct NodeScale {
    least: f64,
    most: f64,
}

impl NodeScale {
    fn over(sizes: &[u64]) -> Self {
        let end = |size: Option<&u64>| size.map_or(1.0, |&size| size as f64);
        Self {
            least: end(sizes.first()),
            most: end(sizes.last()),
        }
    }

    fn at(self, nodes: f64) -> f64 {
        // If there is only one size, it is in the middle of the scale.
        let part = if self.most > self.least {
            (nodes - self.least) / (self.most - self.least)
        } else {
            0.5
        };
        LEFT + 18.0 + part * (RIGHT - LEFT - 36.0)
    }
}

fn chart(group: &[Series<'_>], x: NodeScale, y: Log, sizes: &[u64]) -> Markup {
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) }
            role="img" aria-label="messages by nodes" {
            @for tick in y.ticks() {
                path.grid d=(path([(LEFT, y.at(tick)), (RIGHT, y.at(tick))])) {}
                text.end x=(px(LEFT - 6.0)) y=(px(y.at(tick) + 4.0)) { (label(tick)) }
            }
            @for nodes in labelled(sizes) {
                text.mid x=(px(x.at(nodes as f64))) y=(px(BOTTOM + 20.0)) { (nodes) }
            }
            text.mid x=(px((LEFT + RIGHT) / 2.0)) y=(px(BOTTOM + 38.0)) { "nodes" }
            @for (number, series) in group.iter().enumerate() { (shade(number, series, x, y)) }
            @for (number, series) in group.iter().enumerate() {
                path class={ "line thin s" (number) }
                    d=(path(series.measured.iter().map(|&(n, m)| (x.at(n), y.at(m))))) {}
                @for &(nodes, messages) in &series.measured {
                    (mark(number, x.at(nodes), y.at(messages)))
                }
            }
        }
    }
}

/// Returns the drawing of the closed form of a variant, which are the numbers of messages that a
/// formula gives: a shade from the best to the worst case, or a line if both cases are equal.
fn shade(number: usize, series: &Series<'_>, x: NodeScale, y: Log) -> Markup {
    let best = series
        .form
        .iter()
        .map(|&(n, best, _)| (x.at(n), y.at(best)));
    let worst = series
        .form
        .iter()
        .map(|&(n, _, worst)| (x.at(n), y.at(worst)));
    let around = path(best.clone().chain(worst.clone().rev()));
    let exact = series.form.iter().all(|&(_, best, worst)| best >= worst);
    html! {
        @if exact {
            path class={ "form s" (number) } d=(path(best)) {}
        } @else {
            path class={ "shade s" (number) } d={ (around) "Z" } {}
            path class={ "form s" (number) } d=(path(best)) {}
            path class={ "form s" (number) } d=(path(worst)) {}
        }
    }
}

/// Returns the cluster sizes that get a label: at most twelve, for which there is room.
fn labelled(sizes: &[u64]) -> Vec<u64> {
    let step = sizes.len().div_ceil(12).max(1);
    sizes.iter().copied().step_by(step).collect()
}
