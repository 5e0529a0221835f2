use maud::{Markup, html};

use super::{
    chart::{Log, SERIES, label, path, px},
    ms,
};
use crate::lab::{crash::Crash, study::Study};

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 800.0;
const ROW: f64 = 34.0;
const TOP: f64 = 26.0;
/// The maximum number of elections of a variant that the chart draws as points. If there are more,
/// the chart draws only every second election, every third election and so on, in ascending order
/// of their times.
const MAX_POINTS: usize = 150;

/// The scenarios of the charts: a crash of the leader, and a crash that is proved to the peers at
/// once.
const SCENARIOS: [&str; 2] = ["leader-crash", "hinted-crash"];

/// Returns charts of the time from the loss of the leader until all nodes knew the next leader, for
/// every variant.
pub(super) fn section(study: &Study) -> Markup {
    let names: Vec<&str> = if study.reference() == SCENARIOS[0] {
        SCENARIOS.to_vec()
    } else {
        vec![study.reference()]
    };
    let shown = names
        .iter()
        .filter_map(|name| Some((*name, rows(study, name)?)));
    let shown: Vec<(&str, Vec<Row>)> = shown.collect();
    let times = shown.iter().flat_map(|(_, rows)| rows);
    let x = Log::over(times.flat_map(|row| row.crash.times.clone()), (LEFT, RIGHT));
    html! {
        p {
            "The first election of each run with " (study.middle()) " nodes, from the loss of the \
             leader until all nodes know the next one. Points: elections. Box: the middle half, \
             with the median. Line: from the 1st to the 99th percentile. Both charts have the \
             same scale."
        }
        @for (name, rows) in &shown {
            figure.wide {
                figcaption {
                    (name)
                    @if let Some(scenario) = study.scenario(name) { span { (scenario.summary) } }
                }
                div.scroll { (chart(rows, x)) }
            }
        }
    }
}

struct Row {
    label: String,
    family: usize,
    crash: Crash,
}

fn rows(study: &Study, scenario: &str) -> Option<Vec<Row>> {
    let mut families: Vec<&str> = study
        .entries
        .iter()
        .map(|e| e.contestant.algorithm)
        .collect();
    families.dedup();
    let rows = study.entries.iter().filter_map(|entry| {
        let (cell, _) = study.cell(entry, scenario, study.middle())?;
        let algorithm = entry.contestant.algorithm;
        Some(Row {
            family: families.iter().position(|family| *family == algorithm)? % SERIES,
            label: entry.contestant.label(),
            crash: Crash::of(cell)?,
        })
    });
    let rows: Vec<Row> = rows.collect();
    (!rows.is_empty()).then_some(rows)
}

fn chart(rows: &[Row], x: Log) -> Markup {
    let bottom = TOP + ROW * rows.len() as f64;
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (px(bottom + 12.0)) }
            role="img" aria-label="time to elect, by variant" {
            @for tick in x.ticks() {
                path.grid d=(path([(x.at(tick), TOP - 4.0), (x.at(tick), bottom)])) {}
                text.mid x=(px(x.at(tick))) y=(px(TOP - 10.0)) { (label(tick)) " ms" }
            }
            @for (number, row) in rows.iter().enumerate() {
                (strip(row, x, TOP + ROW * (number as f64 + 0.5)))
            }
        }
    }
}

fn strip(row: &Row, x: Log, y: f64) -> Markup {
    let at = |percent: usize| x.at(row.crash.percentile(percent));
    let times = &row.crash.times;
    let step = times.len().div_ceil(MAX_POINTS).max(1);
    let points = times.iter().step_by(step).enumerate();
    let (half, median) = ((at(75) - at(25)).max(1.0), at(50));
    html! {
        g class={ "s" (row.family) } {
            text.end x=(px(LEFT - 14.0)) y=(px(y + 4.0)) { (row.label) }
            path.whisker d=(path([(at(1), y), (at(99), y)])) {}
            rect.box x=(px(at(25))) y=(px(y - 8.0)) width=(px(half)) height="16" {}
            @for (number, time) in points {
                circle.dot cx=(px(x.at(*time))) cy=(px(y + spread(number))) r="1.7" {}
            }
            path.median d=(path([(median, y - 11.0), (median, y + 11.0)])) {}
            text x=(px(RIGHT + 16.0)) y=(px(y + 4.0)) {
                tspan.strong { (ms(row.crash.percentile(50))) }
                " · 99 %: " (ms(row.crash.percentile(99)))
            }
        }
    }
}

/// Returns the vertical distance of a point from the middle of its row, so that points with the
/// same time do not cover each other. Multiples of the golden ratio place each point away from the
/// points before it.
fn spread(number: usize) -> f64 {
    ((number as f64 * 0.618_034).fract() - 0.5) * 18.0
}
