use std::fmt::Write as _;

use crate::{
    family::Family,
    wrap::{WIDTH, wrapped},
};

/// The name of each guarantee of an algorithm, and what the guarantee means.
const GUARANTEES: [(&str, &str); 2] = [
    (
        "quorum",
        "at most one leader per epoch, and a lease during which no other node can be elected. Its \
         epochs give fencing tokens. Without a majority there is no leader.",
    ),
    (
        "best-effort",
        "one leader per connected part of the cluster, once faults have ended. During a partition \
         several nodes lead at the same time: use it only for work that may be done twice.",
    ),
];

/// Returns the output of `elector algorithms`.
pub(crate) fn algorithms(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        let _ = writeln!(text, "{} — {}", family.name, family.guarantee);
        text.push_str(&wrapped(family.summary, "  ", WIDTH));
        for (variant, summary) in &family.variants {
            let name = format!("{}/{variant}", family.name);
            text.push_str(&wrapped(summary, &format!("  {name:<22} "), WIDTH));
        }
        text.push('\n');
    }
    for (guarantee, meaning) in GUARANTEES {
        text.push_str(&wrapped(meaning, &format!("{guarantee:<12} "), WIDTH));
    }
    text
}
