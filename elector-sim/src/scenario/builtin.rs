use super::{Action, Composition, Scenario, ScenarioError};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*]
    };
}

/// The built-in scenarios of a comparison for which the user names no scenarios, in the order in
/// which tables show them: from no fault at all to all faults at the same time.
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

/// The name of the built-in scenario in which the seed of the run draws the kinds of faults. If a
/// colon and a [`Composition`] follow this name, the scenario has exactly the kinds of faults in
/// that composition.
const RANDOM: &str = "random";

/// Scenarios that run only if the user names them: under these scenarios every algorithm violates
/// invariants.
const NAMED_ONLY: [(&str, &str); 1] = files!["false-proofs"];

/// The scenarios of the group [`GROUP`], which change the members. They run only if the user names
/// them, because not every algorithm can change its members.
const MEMBERS: [(&str, &str); 8] = files![
    "replace-dead",
    "grow",
    "shrink",
    "remove-leader",
    "swap-disk",
    "change-under-partition",
    "change-during-election",
    "two-operators",
];

/// The name of the group of all scenarios that change the members.
const GROUP: &str = "members";

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.into_iter().chain(MEMBERS).chain(NAMED_ONLY)
}

fn parsed(files: &[(&str, &str)]) -> Result<Vec<Scenario>, ScenarioError> {
    let scenarios = files.iter().map(|(name, text)| Scenario::parse(text, name));
    scenarios.collect()
}

impl Scenario {
    /// Returns the built-in scenarios of a whole comparison. These are all built-in scenarios
    /// except those of [`changing_members`](Self::changing_members), and except `false-proofs`,
    /// under which no algorithm can keep its guarantee.
    ///
    /// # Errors
    /// Never returns an error: a test parses each built-in scenario.
    pub fn builtin() -> Result<Vec<Self>, ScenarioError> {
        parsed(&FILES)
    }

    /// Returns all built-in scenarios that change the members.
    ///
    /// # Errors
    /// Never returns an error: a test parses each built-in scenario.
    pub fn changing_members() -> Result<Vec<Self>, ScenarioError> {
        parsed(&MEMBERS)
    }

    /// Returns the built-in scenarios of this name. For the name `members`, these are all scenarios
    /// that change the members. For any other name, it is the one scenario that
    /// [`named`](Self::named) returns.
    ///
    /// # Errors
    /// Returns the errors of [`named`](Self::named).
    pub fn all_named(name: &str) -> Result<Vec<Self>, ScenarioError> {
        if name == GROUP {
            Self::changing_members()
        } else {
            Ok(vec![Self::named(name)?])
        }
    }

    /// Returns the text of a built-in scenario, so that users can copy and change it.
    ///
    /// # Errors
    /// Returns an error if no scenario has this name. The error suggests the most similar name.
    pub fn source(name: &str) -> Result<&'static str, ScenarioError> {
        if let Some((_, text)) = all().find(|(known, _)| *known == name) {
            return Ok(text);
        }
        if name == GROUP {
            let names: Vec<&str> = MEMBERS.iter().map(|(name, _)| *name).collect();
            return Err(ScenarioError::Group {
                name: GROUP,
                names: names.join(", "),
            });
        }
        let nearest = crate::nearest(name, all().map(|(known, _)| known));
        Err(ScenarioError::Unknown {
            name: name.to_owned(),
            nearest: nearest.map(str::to_owned),
        })
    }

    /// Returns the built-in scenario of this name. A name may also contain a [`Composition`], which
    /// is a set of kinds of faults, for example `random:crash+drift`.
    ///
    /// # Errors
    /// Returns an error if no scenario or ingredient has this name. The error suggests the most
    /// similar name.
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

    /// Returns the scenario that the run of `seed` simulates. For the built-in `random` this is the
    /// scenario with the [`Composition`] (set of kinds of faults) that the seed draws, and its name
    /// includes that composition. Any other scenario stays as it is.
    #[must_use]
    pub fn at_seed(self, seed: u64) -> Self {
        if self.name == RANDOM {
            self.of_composition(&Composition::drawn(seed))
        } else {
            self
        }
    }

    /// Returns the name of the scenario that replays the run of `seed` of the built-in scenario
    /// `name`: the name of the scenario that [`at_seed`](Self::at_seed) returns.
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
