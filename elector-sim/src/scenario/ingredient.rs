use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ScenarioError;

/// One kind of fault that a [`Composition`](super::Composition) is made of. None of them breaks
/// what a quorum algorithm assumes: disks are kept, hints are true, and clocks stay within the
/// margin between lease and election timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ingredient {
    /// Processes end, and are back 0.1 to 1.5 s later.
    Crash,
    /// Processes end, and are back within 60 ms.
    Restart,
    /// Processes stop for 20 to 800 ms.
    Pause,
    /// The network splits for 50 to 1,000 ms.
    Split,
    /// A node is not heard by another, or by all, for 50 to 1,000 ms.
    OneWay,
    /// All along, a message is lost with a probability of up to a quarter.
    Loss,
    /// All along, a message arrives twice with a probability of up to a half.
    Duplicate,
    /// All along, a message is held back by up to 20 ms with a probability of up to a half.
    Reorder,
    /// The next few messages, of one purpose or on some links, arrive 5 to 400 ms late, or their
    /// copies do.
    LateMessage,
    /// Disks finish nothing for 20 to 300 ms.
    Stall,
    /// All along, each clock has a rate of its own within the margin.
    Drift,
    /// All along, nodes are notified when a peer's process ends.
    Hints,
    /// Leaders hand over to another node.
    Transfer,
    /// Leaders resign.
    Resign,
    /// Any node campaigns.
    Campaign,
}

impl Ingredient {
    /// All of them with their names, in the order in which compositions list them.
    pub const ALL: [(&'static str, Self); 15] = [
        ("crash", Self::Crash),
        ("restart", Self::Restart),
        ("pause", Self::Pause),
        ("split", Self::Split),
        ("one-way", Self::OneWay),
        ("loss", Self::Loss),
        ("duplicate", Self::Duplicate),
        ("reorder", Self::Reorder),
        ("late-message", Self::LateMessage),
        ("stall", Self::Stall),
        ("drift", Self::Drift),
        ("hints", Self::Hints),
        ("transfer", Self::Transfer),
        ("resign", Self::Resign),
        ("campaign", Self::Campaign),
    ];
}

impl FromStr for Ingredient {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        if let Some((_, ingredient)) = Self::ALL.iter().find(|(name, _)| *name == text) {
            return Ok(*ingredient);
        }
        let names = || Self::ALL.iter().map(|(name, _)| *name);
        Err(ScenarioError::Ingredient {
            name: text.to_owned(),
            nearest: crate::nearest(text, names()).map(str::to_owned),
            known: names().collect::<Vec<_>>().join(", "),
        })
    }
}

impl fmt::Display for Ingredient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, ingredient)| ingredient == self);
        f.pad(name.map_or("", |(name, _)| name))
    }
}

impl TryFrom<String> for Ingredient {
    type Error = ScenarioError;

    fn try_from(text: String) -> Result<Self, ScenarioError> {
        text.parse()
    }
}

impl From<Ingredient> for String {
    fn from(ingredient: Ingredient) -> Self {
        ingredient.to_string()
    }
}
