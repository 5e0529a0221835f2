//! One run of one scenario, from boot to its outcome.

use std::time::Duration;

use elector_core::{
    Configuration, ElectionAlgorithm, Purpose, invariants::Invariant, nanos, trace::RecordOf,
};
use serde::Serialize;

use crate::{
    Election, KindCount, MembersOutcome, Scenario, Setup, SetupError, Simulation, Times,
    invariants::Violation,
};

/// How one simulated run ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The seed of the run.
    pub seed: u64,
    /// Whether the run reached its goal: the nodes elected a leader after boot, and after all
    /// faults had ended all nodes agreed on one leader and the members were those that the
    /// operators wanted.
    pub elected: bool,
    /// The elections that ended after the first fault, in order. If the scenario begins at boot,
    /// these are all elections of the run.
    pub elections: Vec<Election>,
    /// How long no node, and how long two or more nodes, believed that they lead. The time counts
    /// from the first fault until all nodes agreed after all faults had ended.
    pub times: Times,
    /// The number of messages that were sent for elections, from the first fault until all nodes
    /// agreed after all faults had ended.
    pub election_messages: u64,
    /// The size of the messages that `election_messages` counts, in bytes.
    pub election_bytes: u64,
    /// The number of tenures that began, from the first fault until all nodes agreed after all
    /// faults had ended. A tenure is the time in which one node leads one epoch.
    pub leader_changes: u64,
    /// The number of durable writes, from the first fault until all nodes agreed after all faults
    /// had ended.
    pub persists: u64,
    /// The largest number of nodes that have led the same epoch since boot, at the same time or one
    /// after another.
    pub most_leaders_of_an_epoch: usize,
    /// The number of liveness messages, for example heartbeats, that the whole cluster sent per
    /// second while there was no fault and no election.
    pub steady_messages_per_s: f64,
    /// The time from the end of all faults until all nodes agreed, in nanoseconds. `None` if the
    /// nodes did not agree in time.
    pub converged_ns: Option<u64>,
    /// The message counts by kind and purpose, from the first fault until all nodes agreed after
    /// all faults had ended.
    pub kinds: Vec<KindCount>,
    /// The violations of invariants in the run.
    pub violations: Vec<Violation>,
    /// The number of inputs (messages, timers, commands and others) that the nodes handled since
    /// boot.
    pub events: u64,
    /// The fingerprint of the run, which is a hash of its inputs. It shows whether two runs of one
    /// seed are the same.
    pub digest: u64,
    /// The time and the messages that the changes of the members took. `None` if no operator asked
    /// for a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<MembersOutcome>,
}

impl Outcome {
    /// Returns `true` if there are violations, and all of them occurred in the additional run with
    /// false suspicions: see [`run_suspected`].
    #[must_use]
    pub fn fails_only_with_false_suspicions(&self) -> bool {
        !self.violations.is_empty()
            && self
                .violations
                .iter()
                .all(Violation::needs_false_suspicions)
    }
}

/// How long a run waits for late messages of the last election. After this wait the run expects no
/// more elections. For each node, the run waits for [`SETTLE_TIME_PER_NODE`] more, because in Ring
/// a message goes around all nodes.
const SETTLE_TIME: Duration = Duration::from_millis(400);
const SETTLE_TIME_PER_NODE: Duration = Duration::from_millis(3);
/// How long the run watches the cluster after the wait of [`SETTLE_TIME`]. An election in this time
/// violates the invariant `stability`.
const WATCH_TIME: Duration = Duration::from_millis(500);

/// [`Scenario::converge`] limits how long the nodes may take to agree, after boot and again after
/// all faults have ended. This constant is added to the limit for each node.
const CONVERGE_TIME_PER_NODE: Duration = Duration::from_millis(20);

/// Runs `scenario` on a cluster. Returns the outcome and the trace. The trace is empty unless
/// [`Setup::trace`] is on.
///
/// # Errors
/// Returns an error if the setup breaks a rule. In this case no part of the scenario has run.
pub fn run<A: ElectionAlgorithm>(
    setup: Setup<A>,
    scenario: &Scenario,
) -> Result<(Outcome, Vec<RecordOf<A>>), SetupError> {
    let setup = Setup {
        hints: setup.hints || scenario.hints,
        ..setup
    };
    let mut run = ScenarioRun {
        sim: Simulation::try_new(setup)?,
        scenario,
        steady: 0.0,
    };
    let outcome = run.complete();
    Ok((outcome, std::mem::take(&mut run.sim.records)))
}

/// Does [`run`] twice with the same setup, and returns the results of the first run. If the
/// fingerprints (hashes of all events) of the two runs differ, the outcome has a violation of the
/// invariant `determinism`.
///
/// # Errors
/// Returns an error if the setup breaks a rule. In this case no part of the scenario has run.
pub fn run_twice<A: ElectionAlgorithm>(
    setup: Setup<A>,
    scenario: &Scenario,
) -> Result<(Outcome, Vec<RecordOf<A>>), SetupError> {
    let (mut outcome, records) = run(setup.clone(), scenario)?;
    let (again, _) = run(setup, scenario)?;
    if again.digest != outcome.digest {
        outcome.violations.push(Violation {
            invariant: Invariant::Determinism.name(),
            at_ns: 0,
            detail: format!(
                "two runs of seed {} differ: fingerprints {:016x} and {:016x}",
                outcome.seed, outcome.digest, again.digest
            ),
        });
    }
    Ok((outcome, records))
}

/// How often a run is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Once: [`run`].
    Once,
    /// Twice, to compare the fingerprints, which are hashes of all events: [`run_twice`].
    Twice,
}

/// Does [`run`] or [`run_twice`], and then runs the scenario once more with false suspicions, which
/// are reports of broken connections that did not break. The additional run only checks the
/// invariants: its violations are added to the outcome, and all other figures are those of the
/// first run. There is no additional run if the setup asks for a trace or for false suspicions in
/// the run itself.
///
/// # Errors
/// Returns an error if the setup breaks a rule. In this case no part of the scenario has run.
pub fn run_suspected<A: ElectionAlgorithm>(
    setup: Setup<A>,
    scenario: &Scenario,
    runs: Runs,
) -> Result<(Outcome, Vec<RecordOf<A>>), SetupError> {
    let once = match runs {
        Runs::Once => run,
        Runs::Twice => run_twice,
    };
    if setup.trace || setup.false_suspicions {
        return once(setup, scenario);
    }
    let suspected = Setup {
        false_suspicions: true,
        ..setup.clone()
    };
    let (mut outcome, records) = once(setup, scenario)?;
    let found = run(suspected, scenario)?.0.violations;
    let found = found.into_iter().map(Violation::with_false_suspicions);
    outcome.violations.extend(found);
    Ok((outcome, records))
}

struct ScenarioRun<'a, A: ElectionAlgorithm> {
    sim: Simulation<A>,
    scenario: &'a Scenario,
    steady: f64,
}

impl<A: ElectionAlgorithm> ScenarioRun<'_, A> {
    fn complete(&mut self) -> Outcome {
        let (network, disk) = (self.sim.setup.network.clone(), self.sim.setup.disk);
        if !self.scenario.from_boot {
            if !self.sim.run_until_unanimous(self.bound()) {
                self.note(
                    Invariant::Agreement,
                    "no leader was elected after boot".to_owned(),
                );
                return self.outcome(None);
            }
            self.watch();
            self.random_phase();
            self.sim.reset_counts();
        }
        let suspected = self.sim.setup.false_suspicions;
        if suspected {
            self.sim.start_false_suspicions();
        }
        self.sim.play(&self.scenario.steps);
        if !self.scenario.from_boot || !self.scenario.steps.is_empty() || suspected {
            self.sim.run_for(self.scenario.rest);
            self.sim.stop_false_suspicions();
            self.sim.end_faults(&network, disk);
            // `end_faults` has resumed the paused nodes. At the same moment they now handle all
            // events that waited for them, for example a command to resign. The effects of these
            // events belong to the faults, so the time until agreement is counted from here on.
            self.sim.run_until_ns(self.sim.now);
        }
        let ended = self.sim.now_ns();
        if !self.sim.run_until_unanimous(self.bound()) {
            self.note(Invariant::Agreement, self.disagreement());
            return self.outcome(None);
        }
        let converged = self.sim.now_ns() - ended;
        let outcome = self.outcome(Some(converged));
        self.watch();
        // Of all fields, only the following include what happened during `watch`.
        Outcome {
            violations: self.sim.violations().to_vec(),
            steady_messages_per_s: self.steady,
            elections: self.sim.elections(),
            events: self.sim.events(),
            digest: self.sim.digest().value(),
            ..outcome
        }
    }

    /// Returns a text about what the nodes have still not reached when the limit of
    /// [`bound`](Self::bound) after the end of all faults has passed.
    fn disagreement(&self) -> String {
        let after = format!("{} ms after all faults ended", self.bound().as_millis());
        match self.sim.missed_goal() {
            Some(change) => format!("{after} the members are still not the wanted ones: {change}"),
            None => format!("{after} the nodes still do not agree on a leader"),
        }
    }

    fn bound(&self) -> Duration {
        self.scenario.converge + CONVERGE_TIME_PER_NODE * self.nodes()
    }

    fn nodes(&self) -> u32 {
        u32::try_from(self.sim.machines.len()).unwrap_or(u32::MAX)
    }

    /// Runs the cluster without faults. First waits until the late messages of the last election
    /// have arrived. From then on, an election is a violation of the invariant `stability`. Also
    /// measures how many liveness messages the cluster sends per second in this time.
    fn watch(&mut self) {
        self.sim
            .run_for(SETTLE_TIME + SETTLE_TIME_PER_NODE * self.nodes());
        let (tenure, counts) = (self.sim.settled(), self.sim.counts().clone());
        self.sim.run_for(WATCH_TIME);
        let sent = |purpose| {
            let before = counts.sent_for(purpose).0;
            self.sim.counts().sent_for(purpose).0 - before
        };
        let (election, liveness) = (sent(Purpose::Election), sent(Purpose::Liveness));
        self.steady = liveness as f64 / WATCH_TIME.as_secs_f64();
        if tenure.is_none() || self.sim.settled() != tenure || election > 0 {
            let detail = format!(
                "without any fault, {election} election messages were sent and the tenure went \
                 from {tenure:?} to {:?}",
                self.sim.settled()
            );
            self.note(Invariant::Stability, detail);
        }
    }

    /// Runs the cluster for a random time of up to one heartbeat interval, until the moment of the
    /// first fault. So the first fault occurs at any moment between two heartbeats with the same
    /// probability.
    fn random_phase(&mut self) {
        let leader = self.sim.settled().map(|settled| settled.leader);
        let config = leader.map_or(&self.sim.setup.config, |leader| {
            self.sim.setup.config_of(leader)
        });
        let heartbeat = nanos(config.timing().heartbeat);
        let phase = self.sim.rng.below(heartbeat);
        self.sim.run_until_ns(self.sim.now + phase);
    }

    fn note(&mut self, invariant: Invariant, detail: String) {
        let now = self.sim.now;
        let known = self.sim.violations().len();
        self.sim.invariants.record(invariant, now, detail);
        self.sim.trace_violations(known);
    }

    fn outcome(&mut self, converged_ns: Option<u64>) -> Outcome {
        let sim = &mut self.sim;
        let members = sim.members_outcome();
        let traffic = sim.meter.traffic();
        Outcome {
            seed: sim.setup.seed,
            elected: converged_ns.is_some(),
            elections: sim.elections(),
            times: sim.times(),
            election_messages: traffic.messages,
            election_bytes: traffic.bytes,
            leader_changes: sim.tenures(),
            persists: sim.persists,
            most_leaders_of_an_epoch: sim.meter.most_leaders(),
            steady_messages_per_s: self.steady,
            converged_ns,
            kinds: sim.counts().kinds().to_vec(),
            violations: sim.violations().to_vec(),
            events: sim.events(),
            digest: sim.digest().value(),
            members,
        }
    }
}
