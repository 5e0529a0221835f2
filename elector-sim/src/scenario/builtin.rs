use super::{Scenario, ScenarioError};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*]
    };
}

/// In the order in which tables show them: from no fault at all to all of them at once.
const FILES: [(&str, &str); 23] = files![
    "boot",
    "leader-crash",
    "hinted-crash",
    "leader-restart",
    "leader-pause",
    "handover",
    "cascade",
    "rolling-restart",
    "minority-leader",
    "even-split",
    "one-way-deaf",
    "one-way-mute",
    "quorum-loss",
    "constrained",
    "chained",
    "lossy",
    "duplicate-reorder",
    "delay-spike",
    "clock-drift",
    "slow-disk",
    "wrong-hints",
    "refused-leader",
    "churn",
];

/// To be asked for by name: they break what the others must not.
const APART: [(&str, &str); 1] = files!["false-proofs"];

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.into_iter().chain(APART)
}

impl Scenario {
    /// All built-in scenarios, but for `false-proofs`, under which no algorithm can keep a promise.
    ///
    /// # Errors
    /// Never: a test reads each of them.
    pub fn builtin() -> Result<Vec<Self>, ScenarioError> {
        FILES
            .iter()
            .map(|(name, text)| Self::parse(text, name))
            .collect()
    }

    /// The text of a built-in scenario, to copy and change.
    ///
    /// # Errors
    /// If there is none of this name; the error has the nearest one.
    pub fn source(name: &str) -> Result<&'static str, ScenarioError> {
        if let Some((_, text)) = all().find(|(known, _)| *known == name) {
            return Ok(text);
        }
        let nearest = crate::nearest(name, all().map(|(known, _)| known));
        Err(ScenarioError::Unknown {
            name: name.to_owned(),
            nearest: nearest.map(str::to_owned),
        })
    }

    /// The built-in scenario of this name.
    ///
    /// # Errors
    /// If there is none of this name; the error has the nearest one.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        Self::parse(Self::source(name)?, name)
    }
}
