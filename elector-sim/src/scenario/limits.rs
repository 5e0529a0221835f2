//! What a scenario can ask for: a slip in a number must be an error, not a run without an end.

use std::time::Duration;

use super::{Action, Repeat, Step};
use crate::latency::DAY;

const MOST_TIMES: u64 = 1_000_000;

/// What is wrong with a step, in words.
pub(super) fn of_step(step: &Step) -> Option<String> {
    let spans = [("after_ms", step.after), ("every_ms", step.every)];
    of_spans(&spans)
        .or_else(|| of_times(step.times))
        .or_else(|| of_action(&step.action))
}

/// Which of these durations is too long, in words.
pub(super) fn of_spans(spans: &[(&str, Duration)]) -> Option<String> {
    let (name, _) = spans.iter().find(|(_, span)| *span > DAY)?;
    Some(format!(
        "{name} is over a day: durations are given in milliseconds"
    ))
}

fn of_times(times: Repeat) -> Option<String> {
    match times {
        Repeat::Times(times) if times > MOST_TIMES => Some(format!(
            "times is {times}, and a step is done {MOST_TIMES} times at most"
        )),
        Repeat::Times(_) | Repeat::Named(_) => None,
    }
}

fn of_action(action: &Action) -> Option<String> {
    match action {
        Action::Network(network) => {
            let probability = network.wrong_probability();
            let probability =
                probability.map(|name| format!("{name} is a probability: between 0 and 1"));
            probability.or_else(|| network.wrong_latency().map(str::to_owned))
        }
        Action::Messages(fault) => {
            let wrong = fault.wrong().map(str::to_owned);
            wrong.or_else(|| of_spans(&[("delay_ms", fault.delay)]))
        }
        Action::Graph(graph) if !(0.0..=1.0).contains(&graph.chance) => {
            Some("chance is a probability: between 0 and 1".to_owned())
        }
        Action::Disk(disk) => disk.write.wrong().map(str::to_owned),
        Action::Stall(stall) => of_spans(&[("for_ms", stall.duration)]),
        Action::Drift(drift) if !(0.01..=100.0).contains(&drift.rate) => Some(format!(
            "the clock rate {} is out of range: 1 is a true clock, 0.01 to 100 are allowed",
            drift.rate
        )),
        Action::RollingRestart(rolling) => {
            of_spans(&[("down_ms", rolling.down), ("gap_ms", rolling.gap)])
        }
        Action::Churn(churn) if churn.every.is_zero() => {
            Some("every_ms must be longer than zero".to_owned())
        }
        Action::Churn(churn) => of_spans(&[("for_ms", churn.duration), ("every_ms", churn.every)]),
        Action::Compose(compose) => of_spans(&[("for_ms", compose.duration)]),
        _ => None,
    }
}
