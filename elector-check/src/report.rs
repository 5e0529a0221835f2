use std::fmt;

use elector_core::GuaranteeKind;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The name of the algorithm:
    /// [`ElectionAlgorithm::NAME`](elector_core::ElectionAlgorithm::NAME).
    pub algorithm: &'static str,
    /// What the algorithm guarantees.
    pub guarantee: GuaranteeKind,
    /// The bounds of the search, as text.
    pub bounds: String,
    /// How the search ended.
    pub outcome: Outcome,
    /// The number of states that were reached. A state counts each time that it is reached.
    pub states: usize,
    /// The number of different states that were reached.
    pub unique_states: usize,
    /// The memory that the search took for these states, in bytes.
    pub bytes: usize,
    /// The largest number of states in a run that was followed.
    pub max_depth: usize,
    /// The properties that were checked, each with the run that proves or refutes it, if there is
    /// one.
    pub properties: Vec<Checked>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every run within the bounds was followed.
    Exhaustive,
    /// The limit [`CheckConfig::max_states`](crate::CheckConfig::max_states) was reached: some runs
    /// within the bounds were not followed.
    LimitReached,
    /// The search ended at the first run that violated an invariant.
    Violated,
}

/// A property that was checked, and the run that proves or refutes it, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The name of the property. A property that the simulator checks too has the same name there.
    pub name: &'static str,
    /// Whether the property must hold in all states or in at least one state.
    pub quantifier: Quantifier,
    /// A run that decides the property, as one line for each event; `None` if no such run was
    /// found. The list of lines is empty if the first state decides the property.
    pub trace: Option<Vec<String>>,
}

/// In how many states a property must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// The property must hold in all states. Its trace is a counterexample.
    Always,
    /// The property must hold in at least one state. Its trace is an example.
    Sometimes,
}

impl Report {
    /// Returns `true` if no property that must always hold was refuted. If
    /// [`is_exhaustive`](Self::is_exhaustive) is also `true`, this proves these properties within
    /// the bounds.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.counterexamples().next().is_none()
    }

    /// Returns `true` if every run within the bounds was followed.
    #[must_use]
    pub fn is_exhaustive(&self) -> bool {
        self.outcome == Outcome::Exhaustive
    }

    /// Returns the properties that must always hold but were refuted.
    pub fn counterexamples(&self) -> impl Iterator<Item = &Checked> {
        let refuted = |it: &&Checked| it.quantifier == Quantifier::Always && it.trace.is_some();
        self.properties.iter().filter(refuted)
    }

    /// Returns the run that decides the property with this name, if there is such a run.
    #[must_use]
    pub fn trace(&self, name: &str) -> Option<&[String]> {
        let mut named = self.properties.iter().filter(|it| it.name == name);
        named.next()?.trace.as_deref()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (algorithm, guarantee) = (self.algorithm, self.guarantee);
        writeln!(f, "{algorithm} ({guarantee}): {}", self.outcome)?;
        writeln!(f, "bounds: {}", self.bounds)?;
        writeln!(
            f,
            "{} states, {} of them different, in {:.1} MB; the longest run has {}",
            self.states,
            self.unique_states,
            self.bytes as f64 / 1e6,
            self.max_depth
        )?;
        for property in &self.properties {
            let answer = self.answer(property);
            writeln!(f, "{:<26}{answer}", property.name)?;
        }
        let decided = self.properties.iter().filter(|it| it.trace.is_some());
        for property in decided {
            let what = match property.quantifier {
                Quantifier::Always => "counterexample",
                Quantifier::Sometimes => "example",
            };
            writeln!(f, "\n{what} of {}:", property.name)?;
            for (line, number) in property.trace.iter().flatten().zip(1..) {
                writeln!(f, "{number:>4}. {line}")?;
            }
        }
        Ok(())
    }
}

impl Report {
    fn answer(&self, property: &Checked) -> &'static str {
        match (property.quantifier, &property.trace) {
            (Quantifier::Always, Some(_)) => "violated",
            (Quantifier::Always, None) if self.is_exhaustive() => "holds in every run",
            (Quantifier::Always, None) => "holds in all states that were reached",
            (Quantifier::Sometimes, Some(_)) => "happens",
            (Quantifier::Sometimes, None) if self.is_exhaustive() => "never happens",
            (Quantifier::Sometimes, None) => "not seen in the states that were reached",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Exhaustive => "exhaustive within the bounds",
            Self::LimitReached => "limit reached, not exhaustive",
            Self::Violated => "an invariant was violated",
        })
    }
}
