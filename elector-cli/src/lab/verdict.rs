use std::fmt::Write as _;

use elector_core::Purpose;
use elector_sim::{KindCount, MembersOutcome, Outcome};

use crate::lab::grid;

/// Describes the outcome of one run: its elections, times, messages and violations.
#[must_use]
pub(crate) fn text(outcome: &Outcome) -> String {
    let mut text = String::from("\n");
    for election in &outcome.elections {
        let took = |until: u64| ms(until.saturating_sub(election.opened_ns));
        let _ = writeln!(
            text,
            "elected     n{} in epoch {}: known to the leader after {} ms, to all after {} ms; {} \
             messages, {} bytes",
            election.leader,
            election.epoch,
            took(election.winner_ns),
            took(election.settled_ns),
            election.messages,
            election.bytes
        );
    }
    if outcome.elections.is_empty() {
        text.push_str("elected     no new leader\n");
    }
    let times = outcome.times;
    let _ = writeln!(
        text,
        "leaderless  {} ms without a leader",
        ms(times.leaderless_ns)
    );
    let _ = writeln!(
        text,
        "split brain {} ms with two or more nodes in the role of leader",
        ms(times.split_brain_ns)
    );
    if let Some(change) = outcome.members {
        let _ = writeln!(text, "members     {}", members(change));
    }
    if let Some(converged) = outcome.converged_ns {
        let _ = writeln!(
            text,
            "agreement   {} ms after the last fault",
            ms(converged)
        );
    }
    let _ = writeln!(text, "durable     {} writes", outcome.persists);
    let _ = write!(text, "\n{}", kinds(&outcome.kinds));
    if outcome.violations.is_empty() {
        text.push_str("\nEvery invariant held.\n");
    }
    for violation in &outcome.violations {
        let _ = writeln!(
            text,
            "\nVIOLATED    {} at {} ms\n  {}",
            violation.invariant,
            ms(violation.at_ns),
            violation.detail
        );
    }
    text
}

/// Describes the changes of the members in one run: how long they took, and what they cost (time
/// without a leader, and messages).
fn members(change: MembersOutcome) -> String {
    let costs = format!(
        "{} ms without a leader, {} messages",
        ms(change.leaderless_ns),
        change.messages
    );
    match change.took_ns {
        Some(took) => format!("changed after {} ms: {costs}", ms(took)),
        None => format!("the change is not complete: {costs}"),
    }
}

fn kinds(kinds: &[KindCount]) -> String {
    let header = [
        "message", "for", "sent", "bytes", "lost", "cut off", "to dead",
    ];
    let rows = kinds.iter().map(|kind| {
        let counts = [kind.sent, kind.bytes, kind.lost, kind.cut, kind.dead];
        let purpose = match kind.purpose {
            Some(Purpose::Election) => "election",
            Some(Purpose::Liveness) => "liveness",
            Some(Purpose::Application) => "application",
            None => "",
        };
        let words = [kind.kind.to_owned(), purpose.to_owned()];
        words
            .into_iter()
            .chain(counts.map(|count| count.to_string()))
            .collect()
    });
    grid::table(header, rows, 2)
}

fn ms(nanos: u64) -> String {
    format!("{:.1}", nanos as f64 / 1e6)
}
