use elector_core::GuaranteeKind;
use elector_sim::{Scenario, Summary, scenario::Action};
use maud::{Markup, html};

use super::{ms, violated};
use crate::lab::{crash::Crash, overview::count, registry::Entry, study::Study};

/// What each variant promises, and what was seen of it, in plain words.
pub(super) fn section(study: &Study) -> Markup {
    html! {
        p {
            "Costs are those of the first election in " em { (study.reference()) } " with "
            (study.middle()) " nodes."
        }
        @for entry in &study.entries { (verdict(study, entry)) }
    }
}

/// Runs with two leaders, of how many, and for how long on average where there were two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Both {
    runs: usize,
    seen: usize,
    total_ms: f64,
}

impl Both {
    fn add(&mut self, summary: &Summary) {
        self.runs += summary.runs;
        self.seen += summary.split_brain_runs;
        self.total_ms += summary.split_brain_ms_mean * summary.runs as f64;
    }

    fn mean(self) -> String {
        ms(self.total_ms / self.seen.max(1) as f64)
    }
}

fn verdict(study: &Study, entry: &Entry) -> Markup {
    let contestant = &entry.contestant;
    let quorum = contestant.guarantee == GuaranteeKind::Quorum;
    let (mut cut, mut whole, mut violations) = (Both::default(), Both::default(), 0);
    for (cell, summary) in study.of(entry) {
        let cuts = study.scenario(&cell.scenario).is_some_and(cuts);
        if cuts { &mut cut } else { &mut whole }.add(summary);
        violations += summary.violations;
    }
    html! {
        article.verdict {
            h3 {
                (contestant.label()) " "
                span.badge.quorum[quorum] { (contestant.guarantee) }
            }
            p.about { (contestant.summary) }
            ul {
                @if violations > 0 {
                    li.bad {
                        strong { (violated(violations)) } " in "
                        (count(cut.runs + whole.runs)) " runs: it does not keep its promise."
                    }
                } @else if quorum {
                    (kept(cut, whole, contestant.leases))
                }
                @if !quorum { (two(cut, whole)) }
                @if !quorum && violations == 0 {
                    li { "Once faults ended, it agreed on one leader in every run." }
                }
                (cost(study, entry))
            }
        }
    }
}

fn kept(cut: Both, whole: Both, leases: bool) -> Markup {
    let (seen, runs) = (cut.seen + whole.seen, cut.runs + whole.runs);
    let both = Both {
        runs,
        seen,
        total_ms: cut.total_ms + whole.total_ms,
    };
    html! {
        li.good {
            strong {
                "Never two leaders of one epoch"
                @if leases { ", never two leases at once" }
            }
            " in " (count(runs)) " runs."
        }
        li {
            @if seen == 0 {
                "At no moment did two nodes believe to lead."
            } @else {
                "In " (count(seen)) " of them two nodes " em { "believed" } " to lead for a while ("
                (both.mean()) " on average): the older one had not heard yet. "
                @if leases { "It held no lease by then, and its" }
                @else { "Without leases nothing stops it but that its" }
                " epoch is refused wherever epochs are checked."
            }
        }
    }
}

fn two(cut: Both, whole: Both) -> Markup {
    html! {
        li.warn[cut.seen > 0] {
            @if cut.runs == 0 {
                "No scenario here cuts the network, which is where it has two leaders."
            } @else if cut.seen == 0 {
                "One leader at a time in all " (count(cut.runs)) " runs with a cut network."
            } @else {
                strong {
                    "Two leaders at once in " (count(cut.seen)) " of " (count(cut.runs))
                    " runs with a cut network"
                }
                ", for " (cut.mean()) " on average. Nothing stops either from acting."
            }
        }
        @if whole.runs > 0 {
            li {
                @if whole.seen == 0 { "One leader at a time" }
                @else {
                    "Two at once in " (count(whole.seen)) " of " (count(whole.runs))
                    " runs too, for "
                    (whole.mean()) " on average,"
                }
                " where every link worked (crashes, pauses, loss, delays)."
            }
        }
    }
}

fn cost(study: &Study, entry: &Entry) -> Markup {
    let found = study.cell(entry, study.reference(), study.middle());
    let Some((cell, summary)) = found else {
        return html! {};
    };
    let hinted = study.cell(entry, "hinted-crash", study.middle());
    let hinted = hinted.and_then(|(cell, _)| Crash::of(cell));
    html! {
        @if let Some(crash) = Crash::of(cell) {
            li {
                "After " em { (study.reference()) } " the next leader is known after "
                strong { (ms(crash.percentile(50))) } " (99\u{a0}% within "
                (ms(crash.percentile(99))) "), at " (format!("{:.1}", crash.messages)) " messages"
                @if let Some(hinted) = hinted {
                    "; after " strong { (ms(hinted.percentile(50))) }
                    " where the broken connection is noticed"
                }
                ". While nothing happens: " (format!("{:.0}", summary.steady_messages_per_s))
                " messages a second."
            }
        }
    }
}

/// Whether it takes links away.
fn cuts(scenario: &Scenario) -> bool {
    scenario.steps.iter().any(|step| {
        matches!(
            step.action,
            Action::Split(_)
                | Action::Cut(_)
                | Action::Star(_)
                | Action::Line(_)
                | Action::Graph(_)
                | Action::Churn(_)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The verdict on best-effort algorithms rests on which scenarios are partitions.
    #[test]
    fn partitions_are_told_from_other_faults() {
        let cuts = |name: &str| cuts(&Scenario::named(name).unwrap());
        for name in ["minority-leader", "one-way-deaf", "chained", "churn"] {
            assert!(cuts(name), "{name}");
        }
        for name in ["leader-crash", "lossy", "leader-pause", "boot"] {
            assert!(!cuts(name), "{name}");
        }
    }

    // A mean over all runs would hide how long two leaders last where there are two.
    #[test]
    fn the_mean_is_over_runs_with_two_leaders() {
        let both = Both {
            runs: 400,
            seen: 4,
            total_ms: 8_000.0,
        };
        assert_eq!(both.mean(), "2000 ms");
    }
}
