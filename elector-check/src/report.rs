use std::fmt;

use elector_core::GuaranteeKind;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// [`ElectionAlgorithm::NAME`](elector_core::ElectionAlgorithm::NAME).
    pub algorithm: &'static str,
    /// What the algorithm promises.
    pub guarantee: GuaranteeKind,
    /// The bounds of the search, in words.
    pub bounds: String,
    /// How the search ended.
    pub outcome: Outcome,
    /// How many states were reached, repeats included.
    pub states: usize,
    /// How many different states were reached.
    pub unique_states: usize,
    /// How many bytes the search took for them.
    pub bytes: usize,
    /// The length of the longest run followed, in states.
    pub max_depth: usize,
    /// What was asked, and the answers.
    pub properties: Vec<Checked>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Every run within the bounds was followed.
    Exhaustive,
    /// The state limit was reached: some runs within the bounds were not followed.
    LimitReached,
    /// It ended at the first run that broke a promise.
    Broken,
}

/// A property and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The property. Those that the simulator checks too have the same names there.
    pub name: &'static str,
    /// What its trace shows.
    pub quantifier: Quantifier,
    /// A run that decides it, one event a line; empty if the initial state does.
    pub trace: Option<Vec<String>>,
}

/// Of how many states a property is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// All: a trace refutes it.
    Always,
    /// At least one: a trace is an example.
    Sometimes,
}

impl Report {
    /// Returns `true` if nothing that must always hold was refuted. Proves it within the bounds if
    /// [`is_exhaustive`](Self::is_exhaustive).
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.counterexamples().next().is_none()
    }

    /// Returns `true` if every run within the bounds was followed.
    #[must_use]
    pub fn is_exhaustive(&self) -> bool {
        self.outcome == Outcome::Exhaustive
    }

    /// What must always hold and does not.
    pub fn counterexamples(&self) -> impl Iterator<Item = &Checked> {
        let refuted = |it: &&Checked| it.quantifier == Quantifier::Always && it.trace.is_some();
        self.properties.iter().filter(refuted)
    }

    /// The run that decides the property of this name, if there is one.
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
            (Quantifier::Always, Some(_)) => "BROKEN",
            (Quantifier::Always, None) if self.is_exhaustive() => "holds in every run",
            (Quantifier::Always, None) => "holds as far as was looked",
            (Quantifier::Sometimes, Some(_)) => "happens",
            (Quantifier::Sometimes, None) if self.is_exhaustive() => "never happens",
            (Quantifier::Sometimes, None) => "not seen as far as was looked",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Exhaustive => "exhaustive within the bounds",
            Self::LimitReached => "limit reached, not exhaustive",
            Self::Broken => "a promise was broken",
        })
    }
}
