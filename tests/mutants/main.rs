//! Every invariant has a mutant that trips it: Raft, broken in one way each, in the stock
//! scenarios; Paxos where the invariant is about ballots. The seeds are named. If a change moves
//! one, the failure says where the mutant is caught now.

mod paxos;
mod raft;

use elector_core::{ElectionAlgorithm, invariants::Invariant};
use elector_paxos::PaxosConfig;
use elector_raft::{Raft, RaftConfig};
use elector_sim::{
    Outcome, Scenario, Setup,
    run::{self, Runs},
};

use crate::{paxos::PaxosMutant, raft::*};

/// The stock sweep's runs, smallest first.
const SIZES: [u64; 2] = [3, 5];
const SEEDS: u64 = 60;

fn one<A: ElectionAlgorithm>(
    config: &A::Config,
    scenario: &Scenario,
    nodes: u64,
    seed: u64,
    gate: bool,
) -> Outcome {
    let mut setup = Setup::<A>::new(nodes);
    setup.config = config.clone();
    (setup.seed, setup.gate) = (seed, gate);
    run::run_twice(setup, scenario)
        .expect("the setup is valid")
        .0
}

fn trips(outcome: &Outcome, invariant: &str) -> bool {
    outcome
        .violations
        .iter()
        .any(|violation| violation.invariant == invariant)
}

struct Hunt {
    invariant: &'static str,
    scenario: &'static str,
    nodes: u64,
    seed: u64,
    gate: bool,
    pre_vote: bool,
}

impl Hunt {
    fn new(invariant: &'static str, scenario: &'static str, nodes: u64, seed: u64) -> Self {
        Self {
            invariant,
            scenario,
            nodes,
            seed,
            gate: true,
            pre_vote: true,
        }
    }

    /// As [`catches_with`](Self::catches_with), for Raft.
    fn catches<A: ElectionAlgorithm<Config = RaftConfig>>(&self) {
        self.catches_with::<A>(&RaftConfig {
            pre_vote: self.pre_vote,
            ..RaftConfig::default()
        });
    }

    /// The named run catches the mutant; if not, says which of the stock sweep does.
    fn catches_with<A: ElectionAlgorithm>(&self, config: &A::Config) {
        let scenario = Scenario::named(self.scenario).expect("a stock scenario");
        let named = one::<A>(config, &scenario, self.nodes, self.seed, self.gate);
        if trips(&named, self.invariant) {
            return;
        }
        for scenario in Scenario::builtin().expect("stock scenarios") {
            for nodes in SIZES {
                for seed in 1..=SEEDS {
                    let outcome = one::<A>(config, &scenario, nodes, seed, self.gate);
                    assert!(
                        !trips(&outcome, self.invariant),
                        "{} is not tripped by {}, n {}, seed {}, but by {}, n {nodes}, seed {seed}",
                        self.invariant,
                        self.scenario,
                        self.nodes,
                        self.seed,
                        scenario.name,
                    );
                }
            }
        }
        panic!(
            "nothing in the stock sweep trips {}: {:?}",
            self.invariant, named.violations
        );
    }
}

fn trips_nothing<A: ElectionAlgorithm>() {
    for scenario in Scenario::builtin().expect("stock scenarios") {
        for seed in 1..=5 {
            let outcome = one::<A>(&A::Config::default(), &scenario, 5, seed, true);
            let violations = &outcome.violations;
            assert!(
                violations.is_empty(),
                "{} seed {seed}: {violations:?}",
                scenario.name
            );
        }
    }
}

// The control: unbroken Raft and Paxos in the same wrappers trip nothing, in any stock scenario.
#[test]
fn the_wrappers_themselves_trip_nothing() {
    trips_nothing::<Mutant<Healthy>>();
    trips_nothing::<PaxosMutant<false>>();
}

// A node that forgets everything shows an older epoch after a restart.
#[test]
fn a_lost_term_trips_epoch_monotonic() {
    Hunt::new("epoch-monotonic", "leader-restart", 3, 1).catches::<Mutant<NothingDurable>>();
}

// A vote that is not durable is cast twice.
#[test]
fn a_lost_vote_trips_one_pledge_per_epoch() {
    Hunt::new("one-pledge-per-epoch", "churn", 3, 2).catches::<Mutant<VoteNotDurable>>();
}

// An acceptor that accepts another value than was proposed: its own pledges agree with each other,
// and only a comparison across nodes can tell.
#[test]
fn a_value_of_ones_own_trips_one_value_per_ballot() {
    let hunt = Hunt::new(Invariant::OneValuePerBallot.name(), "boot", 3, 1);
    hunt.catches_with::<PaxosMutant<true>>(&PaxosConfig::default());
}

// A leader that was restarted takes its former tenure for the present one.
#[test]
fn a_tenure_that_survives_a_restart_trips_no_tenure_twice() {
    let hunt = Hunt::new(Invariant::NoTenureTwice.name(), "leader-restart", 3, 1);
    hunt.catches::<Mutant<LeadsByItsVote>>();
}

// A majority that is off by one elects two leaders of one term.
#[test]
fn a_majority_off_by_one_trips_one_leader_per_epoch() {
    let hunt = Hunt::new("one-leader-per-epoch", "churn", 5, 1);
    Hunt {
        pre_vote: false,
        ..hunt
    }
    .catches::<Mutant<MajorityOffByOne>>();
}

// Without the check of terms an old leader is taken for the leader of the new term.
#[test]
fn a_dropped_epoch_check_trips_one_leader_per_epoch() {
    Hunt::new("one-leader-per-epoch", "churn", 3, 20).catches::<Mutant<EpochCheckDropped>>();
}

// A pre-vote binds no node: counted as a vote, it elects two leaders of one term.
#[test]
fn a_counted_pre_vote_trips_one_leader_per_epoch() {
    Hunt::new("one-leader-per-epoch", "boot", 5, 3).catches::<Mutant<LatePreVoteCounted>>();
}

// Votes that leave before they are written are promises that a crash takes back.
#[test]
fn a_gate_that_is_off_trips_durable_before_sent() {
    let hunt = Hunt::new("durable-before-sent", "boot", 3, 1);
    Hunt {
        gate: false,
        ..hunt
    }
    .catches::<Raft>();
}

// A lease that needs no quorum outlives the tenure.
#[test]
fn a_lease_from_the_own_clock_trips_exclusive_lease() {
    let hunt = Hunt::new("exclusive-lease", "leader-pause", 3, 1);
    hunt.catches::<Mutant<LeaseFromOwnClock>>();
}

// A voter that a suspicion frees elects a second leader within the lease of the first.
#[test]
fn a_suspicion_that_frees_trips_exclusive_lease() {
    let hunt = Hunt::new("exclusive-lease", "refused-leader", 3, 1);
    hunt.catches::<Mutant<SuspicionFrees>>();
}

// False suspicions come with every scenario: so a stock fault that cuts the leader off is enough.
#[test]
fn the_suspicions_beside_every_scenario_trip_exclusive_lease_too() {
    let scenario = Scenario::named("minority-leader").expect("a stock scenario");
    let caught = (1..=5).any(|seed| {
        let setup = Setup {
            seed,
            ..Setup::<Mutant<SuspicionFrees>>::new(5)
        };
        let (outcome, _) =
            run::run_suspected(setup, &scenario, Runs::Once).expect("the setup is valid");
        trips(&outcome, "exclusive-lease")
    });
    assert!(caught);
}

// A node that does not hear the leader does not agree in the end.
#[test]
fn a_deaf_node_trips_agreement() {
    Hunt::new("agreement", "boot", 3, 5).catches::<Mutant<Deaf>>();
}

// A node that misses the heartbeats of a healthy leader holds elections without need.
#[test]
fn a_dozing_node_trips_stability() {
    Hunt::new("stability", "boot", 3, 5).catches::<Mutant<Dozing>>();
}

// What no seed decides differs from run to run.
#[test]
fn shared_state_trips_determinism() {
    Hunt::new("determinism", "leader-crash", 3, 1).catches::<Mutant<SharedState>>();
}
