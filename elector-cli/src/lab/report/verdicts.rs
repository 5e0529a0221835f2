use elector_core::GuaranteeKind;
use elector_sim::{Scenario, Summary, scenario::Action};
use maud::{Markup, html};

use super::{ms, violated};
use crate::lab::{crash::Crash, overview::count, registry::Entry, study::Study};

/// Returns, for each variant, its guarantee and its results as sentences.
pub(super) fn section(study: &Study) -> Markup {
    html! {
        p {
            "Costs are those of the first election in " em { (study.reference()) } " with "
            (study.middle()) " nodes."
        }
        @for entry in &study.entries { (verdict(study, entry)) }
    }
}

/// The number of runs, the number of runs with two leaders at the same time, and the total length
/// of the times with two leaders.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct SplitBrains {
    runs: usize,
    split: usize,
    total_ms: f64,
}

impl SplitBrains {
    fn add(&mut self, summary: &Summary) {
        self.runs += summary.runs;
        self.split += summary.split_brain_runs;
        self.total_ms += summary.split_brain_ms_mean * summary.runs as f64;
    }

    fn mean(self) -> String {
        ms(self.total_ms / self.split.max(1) as f64)
    }
}

fn verdict(study: &Study, entry: &Entry) -> Markup {
    let contestant = &entry.contestant;
    let quorum = contestant.guarantee == GuaranteeKind::Quorum;
    let is_run = study.of(entry).next().is_some();
    let [mut all, mut with_cut, mut without_cut] = [SplitBrains::default(); 3];
    let mut violations = 0;
    for (cell, summary) in study.of(entry) {
        all.add(summary);
        let cuts = study.scenario(&cell.scenario).is_some_and(cuts);
        if cuts {
            &mut with_cut
        } else {
            &mut without_cut
        }
        .add(summary);
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
                @if !is_run {
                    li { "– It was not run: its members are fixed, and each scenario here changes \
                          the members." }
                } @else if violations > 0 {
                    li.bad {
                        strong { (violated(violations)) } " in "
                        (count(all.runs)) " runs: it breaks its guarantee."
                    }
                } @else if quorum {
                    (quorum_result(all, contestant.leases))
                }
                @if !quorum && is_run { (best_effort_result(with_cut, without_cut)) }
                @if !quorum && is_run && violations == 0 {
                    li { "After the faults, it agreed on one leader in every run." }
                }
                (cost(study, entry))
            }
        }
    }
}

fn quorum_result(all: SplitBrains, leases: bool) -> Markup {
    html! {
        li.good {
            strong {
                "Never two leaders of one epoch"
                @if leases { ", never two leases at the same time" }
            }
            " in " (count(all.runs)) " runs."
        }
        li {
            @if all.split == 0 {
                "No two nodes led at the same time, not even by their own views."
            } @else {
                "In " (count(all.split)) " of them two nodes led for a while by their own "
                em { "views" } " (" (all.mean()) " on average): the older one had not \
                 received the news yet. "
                @if leases { "It held no lease then. Stores that check epochs reject its epoch." }
                @else { "There are no leases: only stores that check epochs stop it." }
            }
        }
    }
}

fn best_effort_result(with_cut: SplitBrains, without_cut: SplitBrains) -> Markup {
    html! {
        li.warn[with_cut.split > 0] {
            @if with_cut.runs == 0 {
                "No scenario here cuts the network, which would cause two leaders."
            } @else if with_cut.split == 0 {
                "One leader at a time in all " (count(with_cut.runs)) " runs with a cut network."
            } @else {
                strong {
                    "Two leaders at the same time in " (count(with_cut.split)) " of "
                    (count(with_cut.runs)) " runs with a cut network"
                }
                ", for " (with_cut.mean()) " on average. Nothing stops either from acting."
            }
        }
        @if without_cut.runs > 0 {
            li {
                @if without_cut.split == 0 { "One leader at a time" }
                @else {
                    "Two leaders at the same time also in " (count(without_cut.split)) " of "
                    (count(without_cut.runs)) " runs, for " (without_cut.mean()) " on average,"
                }
                " with working links (crashes, pauses, loss, delays)."
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
                    " if its death is proved"
                }
                ". In the steady state: " (format!("{:.0}", summary.steady_messages_per_s))
                " messages per second."
            }
        }
    }
}

/// Returns `true` if the scenario cuts links.
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

    // The text about a best-effort algorithm reports runs with a cut network separately, so
    // scenarios that cut links must be recognised.
    #[test]
    fn partitions_are_distinguished_from_other_faults() {
        let cuts = |name: &str| cuts(&Scenario::named(name).unwrap());
        for name in ["minority-leader", "one-way-deaf", "chained", "churn"] {
            assert!(cuts(name), "{name}");
        }
        for name in ["leader-crash", "lossy", "leader-pause", "boot"] {
            assert!(!cuts(name), "{name}");
        }
    }

    // Most runs have no split brain, so a mean over all runs would hide how long split brains last.
    #[test]
    fn the_mean_is_over_runs_with_two_leaders() {
        let split_brains = SplitBrains {
            runs: 400,
            split: 4,
            total_ms: 8_000.0,
        };
        assert_eq!(split_brains.mean(), "2000 ms");
    }
}
