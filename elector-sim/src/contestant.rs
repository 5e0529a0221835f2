use std::{fmt, ops::RangeInclusive, sync::Arc};

use elector_core::{
    Comparable, ElectionAlgorithm, Guarantee, GuaranteeKind, Variant, quorum::Reseat,
};
use elector_members::Members;

use crate::{
    ErasedRecord, Outcome, Scenario, Setup, SetupError, erased,
    run::{self, Runs},
};

/// An algorithm in one configuration. The type of the algorithm is erased, so that contestants of
/// different algorithms can be compared.
#[derive(Clone)]
pub struct Contestant {
    /// The name of the algorithm ([`ElectionAlgorithm::NAME`]).
    pub algorithm: &'static str,
    /// The name of the configuration.
    pub variant: String,
    /// What the algorithm guarantees.
    pub guarantee: GuaranteeKind,
    /// Whether leaders hold leases in this configuration.
    pub leases: bool,
    /// One line that describes the contestant, weaknesses included.
    pub summary: String,
    expected: Arc<ExpectedMessages>,
    runner: Arc<Runner>,
    /// The function that runs the scenarios that change the members; `None` if the members of this
    /// contestant are fixed.
    changing: Option<Arc<Runner>>,
}

type ExpectedMessages = dyn Fn(u64) -> Option<RangeInclusive<u64>> + Send + Sync;

type Runner = dyn Fn(&Job<'_>) -> Result<(Outcome, Vec<ErasedRecord>), SetupError> + Send + Sync;

/// The parameters of one run.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The scenario of the run.
    pub scenario: &'a Scenario,
    /// The size of the cluster, without the spares of the scenario (the nodes that do not vote at
    /// the beginning).
    pub nodes: u64,
    /// The seed of the run.
    pub seed: u64,
    /// Whether to keep the trace, which is the list of all events of the run.
    pub trace: bool,
    /// Whether to do the run twice and compare the fingerprints, which are hashes of all that
    /// happened in a run.
    pub twice: bool,
    /// Whether the run itself has false suspicions. If it has none, and no trace is kept, the run
    /// is followed by a second run with false suspicions: see
    /// [`run_suspected`](crate::run::run_suspected).
    pub false_suspicions: bool,
}

impl Contestant {
    /// Creates the contestant of the algorithm `A` in this configuration.
    #[must_use]
    pub fn of<A: ElectionAlgorithm>(
        variant: impl Into<String>,
        summary: impl Into<String>,
        config: A::Config,
    ) -> Self {
        let leases = A::has_lease(&config);
        let runner = runner(move |job| Setup::<A> {
            config: config.clone(),
            ..Setup::new(job.nodes)
        });
        Self {
            algorithm: A::NAME,
            variant: variant.into(),
            guarantee: A::Guarantee::KIND,
            leases,
            summary: summary.into(),
            expected: Arc::new(|_| None),
            runner,
            changing: None,
        }
    }

    /// Returns this contestant of the algorithm `A` with members that can change. In a scenario
    /// that changes the members, the algorithm runs within [`Members`]. In all other scenarios the
    /// algorithm runs without [`Members`], because the run is the same as long as the members do
    /// not change.
    #[must_use]
    pub fn with_members<A: Reseat>(self, config: A::Config) -> Self {
        let changing = runner(move |job| {
            Setup::<Members<A>>::with_members(job.nodes, job.scenario.spares, &config)
        });
        Self {
            changing: Some(changing),
            ..self
        }
    }

    /// Returns `true` if the members of this contestant can change.
    #[must_use]
    pub fn can_change_members(&self) -> bool {
        self.changing.is_some()
    }

    /// Returns `true` if this contestant can run this scenario: its members can change, or the
    /// scenario does not change them.
    #[must_use]
    pub fn can_run(&self, scenario: &Scenario) -> bool {
        self.can_change_members() || !scenario.changes_members()
    }

    /// Creates the contestant of this variant of the algorithm `A`.
    #[must_use]
    pub fn variant<A: Comparable>(variant: Variant<A::Config>) -> Self {
        let config = variant.config.clone();
        Self {
            expected: Arc::new(move |nodes| A::expected_messages(&config, nodes)),
            ..Self::of::<A>(variant.name, variant.summary, variant.config)
        }
    }

    /// Creates a contestant for every variant of the algorithm `A`.
    #[must_use]
    pub fn variants<A: Comparable>() -> Vec<Self> {
        A::variants().into_iter().map(Self::variant::<A>).collect()
    }

    /// Returns [`Comparable::expected_messages`] of this variant.
    #[must_use]
    pub fn expected_messages(&self, nodes: u64) -> Option<RangeInclusive<u64>> {
        (self.expected)(nodes)
    }

    /// Returns the algorithm and the variant, for example `raft/pre-vote`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}/{}", self.algorithm, self.variant)
    }

    /// Does one run.
    ///
    /// # Errors
    /// Returns an error if the cluster or the configuration breaks a rule, or if the scenario
    /// changes the members and the members are fixed.
    pub fn run(&self, job: &Job<'_>) -> Result<(Outcome, Vec<ErasedRecord>), SetupError> {
        if !job.scenario.changes_members() {
            return (self.runner)(job);
        }
        match &self.changing {
            Some(changing) => changing(job),
            None => Err(SetupError::FixedMembers(job.scenario.name.clone())),
        }
    }
}

/// Returns the function that does one run of the algorithm `A` for a job. `setup` creates the setup
/// of the cluster for the job.
fn runner<A: ElectionAlgorithm>(
    setup: impl Fn(&Job<'_>) -> Setup<A> + Send + Sync + 'static,
) -> Arc<Runner> {
    Arc::new(move |job| {
        let setup = Setup {
            seed: job.seed,
            trace: job.trace,
            false_suspicions: job.false_suspicions,
            ..setup(job)
        };
        let runs = if job.twice { Runs::Twice } else { Runs::Once };
        let (outcome, records) = run::run_suspected(setup, job.scenario, runs)?;
        Ok((outcome, records.iter().map(erased::record).collect()))
    })
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contestant").field(&self.label()).finish()
    }
}
