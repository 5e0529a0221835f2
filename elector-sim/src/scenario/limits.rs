//! Limits for the numbers in a scenario: a mistake in a number must cause an error, and not a run
//! that never ends.

use std::time::Duration;

use super::{Action, Repeat, Step};
use crate::latency::DAY;

const MAX_TIMES: u64 = 1_000_000;
const MAX_SPARES: u64 = 1_000;

/// Returns the problem with a step as text, if there is one.
pub(super) fn of_step(step: &Step) -> Option<String> {
    let spans = [("after_ms", step.after), ("every_ms", step.every)];
    of_spans(&spans)
        .or_else(|| of_times(step.times))
        .or_else(|| of_action(&step.action))
}

/// Returns an error text for the first of these durations that is too long, if there is one.
pub(super) fn of_spans(spans: &[(&str, Duration)]) -> Option<String> {
    let (name, _) = spans.iter().find(|(_, span)| *span > DAY)?;
    Some(format!(
        "{name} is over a day: durations are given in milliseconds"
    ))
}

/// Returns an error text if there are too many spares, which are nodes that do not vote at the
/// beginning.
pub(super) fn of_spares(spares: u64) -> Option<String> {
    (spares > MAX_SPARES).then(|| format!("spares is {spares}: at most {MAX_SPARES} are allowed"))
}

fn of_times(times: Repeat) -> Option<String> {
    match times {
        Repeat::Times(times) if times > MAX_TIMES => {
            Some(format!("times is {times}: at most {MAX_TIMES} are allowed"))
        }
        Repeat::Times(_) | Repeat::Named(_) => None,
    }
}

fn of_action(action: &Action) -> Option<String> {
    match action {
        Action::Network(network) => {
            let probability = network.probability_problem();
            let probability = probability
                .map(|name| format!("{name} is a probability: give a number between 0 and 1"));
            probability.or_else(|| network.latency_problem().map(str::to_owned))
        }
        Action::Messages(fault) => {
            let wrong = fault.problem().map(str::to_owned);
            wrong.or_else(|| of_spans(&[("delay_ms", fault.delay)]))
        }
        Action::Members(change) => change.problem().map(str::to_owned),
        Action::Graph(graph) if !(0.0..=1.0).contains(&graph.chance) => {
            Some("chance is a probability: give a number between 0 and 1".to_owned())
        }
        Action::Disk(disk) => disk.write.problem().map(str::to_owned),
        Action::Stall(stall) => of_spans(&[("for_ms", stall.duration)]),
        Action::Drift(drift) if !(0.01..=100.0).contains(&drift.rate) => Some(format!(
            "the clock rate {} is out of range: 1 is the true rate, 0.01 to 100 are allowed",
            drift.rate
        )),
        Action::RollingRestart(rolling) => {
            of_spans(&[("down_ms", rolling.down), ("gap_ms", rolling.gap)])
        }
        Action::Churn(churn) if churn.every.is_zero() => {
            Some("every_ms must be above zero".to_owned())
        }
        Action::Churn(churn) => of_spans(&[("for_ms", churn.duration), ("every_ms", churn.every)]),
        Action::Compose(compose) => of_spans(&[("for_ms", compose.duration)]),
        _ => None,
    }
}
