use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::ScenarioError;

/// One kind of fault of a [`Composition`](super::Composition). No kind breaks the assumptions of a
/// quorum algorithm: disks are kept, proofs of death are true, and the rates of clocks stay so
/// close to the true rate that a lease ends before an election timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ingredient {
    /// Processes end and restart after 0.1 to 1.5 s.
    Crash,
    /// Processes end and restart within 60 ms.
    Restart,
    /// Processes stop for 20 to 800 ms.
    Pause,
    /// The network splits for 50 to 1,000 ms.
    Split,
    /// The messages of one node to another node, or to all nodes, are lost for 50 to 1,000 ms.
    OneWay,
    /// Until the end of all faults, a message is lost with a probability of up to 0.25.
    Loss,
    /// Until the end of all faults, a message arrives twice with a probability of up to 0.5.
    Duplicate,
    /// Until the end of all faults, a message is held back by up to 20 ms with a probability of up
    /// to 0.5.
    Reorder,
    /// A few messages of one purpose or on some links arrive 5 to 400 ms late, or copies of them
    /// arrive late.
    LateMessage,
    /// Disks stall for 20 to 300 ms.
    Stall,
    /// Until the end of all faults, each clock has its own rate. The rates are so close to the true
    /// rate that a lease still ends before an election timeout.
    Drift,
    /// Nodes get a proof of death when the process of a peer ends.
    Hints,
    /// Leaders transfer leadership to another node.
    Transfer,
    /// Leaders resign.
    Resign,
    /// Any node is commanded to campaign.
    Campaign,
}

impl Ingredient {
    /// All ingredients (kinds of faults) with their names, in the order in which compositions list
    /// them.
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
