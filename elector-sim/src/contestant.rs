use std::{fmt, ops::RangeInclusive, sync::Arc};

use elector_core::{ElectionAlgorithm, Guarantee, GuaranteeKind, trace::Record};

use crate::{
    Outcome, Scenario, Setup, SetupError,
    run::{self, Runs},
};

/// An algorithm in one configuration, ready to be compared with others whatever its type.
#[derive(Clone)]
pub struct Contestant {
    /// [`ElectionAlgorithm::NAME`].
    pub algorithm: &'static str,
    /// The name of the configuration.
    pub variant: String,
    /// What it promises.
    pub guarantee: GuaranteeKind,
    /// Whether its leaders hold leases.
    pub leases: bool,
    /// One honest line.
    pub summary: String,
    expected: Option<Arc<dyn Fn(u64) -> RangeInclusive<u64> + Send + Sync>>,
    runner: Arc<Runner>,
}

type Runner = dyn Fn(&Job<'_>) -> Result<(Outcome, Vec<Record>), SetupError> + Send + Sync;

/// One run to do.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What happens.
    pub scenario: &'a Scenario,
    /// The size of the cluster.
    pub nodes: u64,
    /// The seed.
    pub seed: u64,
    /// Whether to keep the trace.
    pub trace: bool,
    /// Whether to run twice, and compare.
    pub twice: bool,
    /// Whether the run itself has false suspicions. Without a trace they come in a run beside it
    /// anyway: see [`run_suspected`](crate::run::run_suspected).
    pub false_suspicions: bool,
}

impl Contestant {
    /// The algorithm `A` in this configuration.
    #[must_use]
    pub fn of<A: ElectionAlgorithm>(
        variant: impl Into<String>,
        summary: impl Into<String>,
        config: A::Config,
    ) -> Self {
        let leases = A::has_lease(&config);
        let runner = move |job: &Job<'_>| {
            let mut setup = Setup::<A>::new(job.nodes);
            setup.config = config.clone();
            setup.seed = job.seed;
            setup.trace = job.trace;
            setup.false_suspicions = job.false_suspicions;
            let runs = if job.twice { Runs::Twice } else { Runs::Once };
            run::run_suspected(setup, job.scenario, runs)
        };
        Self {
            algorithm: A::NAME,
            variant: variant.into(),
            guarantee: A::Guarantee::KIND,
            leases,
            summary: summary.into(),
            expected: None,
            runner: Arc::new(runner),
        }
    }

    /// With the closed form of its messages for one election after a crash of the leader: best to
    /// worst, by the number of nodes.
    #[must_use]
    pub fn expecting(
        mut self,
        messages: impl Fn(u64) -> RangeInclusive<u64> + Send + Sync + 'static,
    ) -> Self {
        self.expected = Some(Arc::new(messages));
        self
    }

    /// The closed form, if there is one.
    #[must_use]
    pub fn expected_messages(&self, nodes: u64) -> Option<RangeInclusive<u64>> {
        self.expected.as_ref().map(|expected| expected(nodes))
    }

    /// Algorithm and variant, as in `raft/pre-vote`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{}/{}", self.algorithm, self.variant)
    }

    /// Does one run.
    ///
    /// # Errors
    /// If the cluster or the configuration breaks a rule.
    pub fn run(&self, job: &Job<'_>) -> Result<(Outcome, Vec<Record>), SetupError> {
        (self.runner)(job)
    }
}

impl fmt::Debug for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contestant").field(&self.label()).finish()
    }
}
