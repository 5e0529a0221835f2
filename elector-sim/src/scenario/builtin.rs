use super::{Action, Composition, Scenario, ScenarioError};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*]
    };
}

/// In the order in which tables show them: from no fault at all to all of them at once.
const FILES: [(&str, &str); 30] = files![
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
    "lonely-quorum",
    "link-graphs",
    "outage",
    "lossy",
    "duplicate-reorder",
    "delay-spike",
    "late-answers",
    "late-votes",
    "clock-drift",
    "slow-disk",
    "wrong-hints",
    "refused-leader",
    "churn",
    "command-churn",
    "random",
];

/// The built-in scenario whose faults the seed draws. With a colon and a [`Composition`] after it,
/// it is the scenario of exactly these.
const RANDOM: &str = "random";

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
    /// If no scenario has this name; the error has the nearest name.
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

    /// The built-in scenario of this name, `random:crash+drift` and its like included.
    ///
    /// # Errors
    /// If no scenario or ingredient has this name; the error has the nearest name.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        match name
            .strip_prefix(RANDOM)
            .and_then(|rest| rest.strip_prefix(':'))
        {
            Some(composition) => {
                let random = Self::parse(Self::source(RANDOM)?, RANDOM)?;
                Ok(random.of_composition(&composition.parse()?))
            }
            None => Self::parse(Self::source(name)?, name),
        }
    }

    /// This scenario as the run of `seed` plays it. For the built-in `random` that is the
    /// composition that the seed draws, by its own name; any other stays as it is.
    #[must_use]
    pub fn at_seed(self, seed: u64) -> Self {
        if self.name == RANDOM {
            self.of_composition(&Composition::drawn(seed))
        } else {
            self
        }
    }

    /// The name by which the run of `seed` of the built-in scenario `name` is replayed: that of
    /// [`at_seed`](Self::at_seed).
    #[must_use]
    pub fn name_at_seed(name: &str, seed: u64) -> String {
        if name == RANDOM {
            format!("{RANDOM}:{}", Composition::drawn(seed))
        } else {
            name.to_owned()
        }
    }

    fn of_composition(mut self, composition: &Composition) -> Self {
        for step in &mut self.steps {
            if let Action::Compose(compose) = &mut step.action {
                compose.of = composition.clone();
            }
        }
        self.name = format!("{RANDOM}:{composition}");
        self
    }
}
