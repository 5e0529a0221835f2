use maud::{Markup, html};

use crate::lab::{overview::count, study::Study, violations::findings};

/// The maximum number of violations on the page.
const MAX_SHOWN: usize = 200;

/// Returns the first violation of each invariant in each cell (all runs of one variant in one
/// scenario at one size), with the command that repeats the run of the violation. Returns `None` if
/// there are no violations.
pub(super) fn section(study: &Study) -> Option<Markup> {
    let findings = findings(study);
    if findings.is_empty() {
        return None;
    }
    Some(html! {
        p {
            "The first violation of each invariant in each cell. The command repeats the run."
            @if findings.len() > MAX_SHOWN {
                " The page has the first " (MAX_SHOWN) " of " (count(findings.len())) "."
            }
        }
        @for finding in findings.iter().take(MAX_SHOWN) {
            article.violation {
                p.bad { strong { (finding.title()) } }
                p { (finding.violation.detail) }
                pre { code { (finding.replay(study)) } }
            }
        }
    })
}
