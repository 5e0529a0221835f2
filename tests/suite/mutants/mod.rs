//! Tests that each invariant has a fault that violates it in a built-in scenario. Most faults are
//! mutants of Raft: variants of Raft into which a fault was put on purpose. The fault for the
//! invariant about ballots is a mutant of Paxos, the fault for `rosters-meet` is a mutant of
//! [`Members`](elector_members::Members), and the fault for `durable-before-sent` is a simulation
//! without the gate, which otherwise holds messages back until earlier writes are durable. Each
//! test names a run that catches the fault, mostly by its scenario and seed. If a change of the
//! code makes such a run useless, the failure of the test names another run.

mod members;
mod paxos;
mod raft;

use elector_check::{Violation, Walks};
use elector_core::{Comparable, ElectionAlgorithm, NodeId, invariants::Invariant};
use elector_members::MembersConfig;
use elector_paxos::PaxosConfig;
use elector_raft::{Raft, RaftConfig};
use elector_sim::{
    Outcome, Scenario, Setup,
    run::{self, Runs},
};

use members::{ANY_EPOCH, MembersMutant, ONE_ANSWER, SOUND};
use paxos::PaxosMutant;
use raft::*;

pub(crate) use raft::{Bug, Mutant, bug};

/// The cluster sizes of the search for another run that catches a mutant, smallest first.
const SIZES: [u64; 2] = [3, 5];
const SEEDS: u64 = 60;

fn run_once<A: ElectionAlgorithm>(setup: Setup<A>, scenario: &Scenario, seed: u64) -> Outcome {
    let setup = Setup { seed, ..setup };
    run::run_twice(setup, scenario)
        .expect("the setup is valid")
        .0
}

/// Returns the setup of a cluster whose nodes all have this configuration.
fn plain<A: ElectionAlgorithm>(config: &A::Config, nodes: u64) -> Setup<A> {
    Setup {
        config: config.clone(),
        ..Setup::new(nodes)
    }
}

fn violates(outcome: &Outcome, invariant: &str) -> bool {
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

    /// Does the same as [`catches_with`](Self::catches_with), for a mutant of Raft.
    fn catches<A: ElectionAlgorithm<Config = RaftConfig>>(&self) {
        self.catches_with::<A>(&RaftConfig {
            pre_vote: self.pre_vote,
            ..RaftConfig::default()
        });
    }

    /// Does the same as [`catches_in`](Self::catches_in), with this configuration on all nodes.
    fn catches_with<A: ElectionAlgorithm>(&self, config: &A::Config) {
        self.catches_in(|_, nodes| Setup {
            gate: self.gate,
            ..plain::<A>(config, nodes)
        });
    }

    /// Checks that the named run catches the mutant. If it does not, the failure names another run
    /// that catches the mutant. `setup` returns the cluster for a scenario and a number of nodes.
    fn catches_in<A: ElectionAlgorithm>(&self, setup: impl Fn(&Scenario, u64) -> Setup<A>) {
        let scenario = Scenario::named(self.scenario).expect("a built-in scenario");
        let named = run_once(setup(&scenario, self.nodes), &scenario, self.seed);
        if violates(&named, self.invariant) {
            return;
        }
        let others = if scenario.changes_members() {
            Scenario::changing_members()
        } else {
            Scenario::builtin()
        };
        for scenario in others.expect("built-in scenarios") {
            for nodes in SIZES {
                for seed in 1..=SEEDS {
                    let outcome = run_once(setup(&scenario, nodes), &scenario, seed);
                    assert!(
                        !violates(&outcome, self.invariant),
                        "{}: not violated in {}, n {}, seed {}, but in {}, n {nodes}, seed {seed}",
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
            "no run of the built-in scenarios violates {}: {:?}",
            self.invariant, named.violations
        );
    }
}

fn violates_nothing<A: ElectionAlgorithm>() {
    for scenario in Scenario::builtin().expect("built-in scenarios") {
        for seed in 1..=5 {
            let outcome = run_once(plain::<A>(&A::Config::default(), 5), &scenario, seed);
            assert_clean(&outcome, &scenario);
        }
    }
}

fn assert_clean(outcome: &Outcome, scenario: &Scenario) {
    let Outcome {
        violations, seed, ..
    } = outcome;
    assert!(
        violations.is_empty(),
        "{} seed {seed}: {violations:?}",
        scenario.name
    );
}

/// Returns the setup of a cluster whose members can change. Its leaders hold no leases. A lease
/// needs a majority that has the leader's roster (the list of voters), so with leases the fault
/// would not show.
fn changing<const FAULT: u8>(scenario: &Scenario, nodes: u64) -> Setup<MembersMutant<FAULT>> {
    Setup::with_members(nodes, scenario.spares, &without_leases())
}

fn without_leases() -> RaftConfig {
    let mut variants = Raft::variants().into_iter();
    let paper = variants.find(|variant| variant.name == "paper");
    paper.expect("a variant without leases").config
}

// The control of the other tests: correct algorithms in the wrappers of the mutants violate nothing
// in any scenario.
#[test]
fn the_wrappers_themselves_violate_nothing() {
    violates_nothing::<Mutant<Healthy>>();
    violates_nothing::<PaxosMutant<false>>();
    for scenario in Scenario::changing_members().expect("built-in scenarios") {
        for seed in 1..=5 {
            let outcome = run_once(changing::<SOUND>(&scenario, 5), &scenario, seed);
            assert_clean(&outcome, &scenario);
        }
    }
}

// A leader that takes one answer for the answers of all voters makes one roster (list of voters)
// after another, while a majority still has an old roster.
#[test]
fn one_answer_for_all_violates_rosters_meet() {
    let invariant = Invariant::RostersMeet.name();
    let hunt = Hunt::new(invariant, "change-under-partition", 5, 1);
    hunt.catches_in(changing::<ONE_ANSWER>);
}

// Node 2 votes for node 3 in epoch 2. Then it takes the rosters (lists of voters) of node 1, which
// is the leader of epoch 1. A leader that counts node 2 as its voter, although node 2 is in another
// epoch, removes nodes 3 and 2 from the roster, and elects itself alone in epoch 2. But node 3 has
// the votes of a majority of the first roster in the same epoch.
#[test]
fn voters_of_another_epoch_violate_one_leader_per_epoch() {
    let violation = replayed::<ANY_EPOCH>().expect("two leaders of epoch 2");
    assert_eq!(violation.invariant, Invariant::OneLeaderPerEpoch.name());
    assert_eq!(replayed::<SOUND>(), None);
}

fn replayed<const FAULT: u8>() -> Option<Violation> {
    let config = MembersConfig {
        first: (1..=3).map(NodeId).collect(),
        ..without_leases().into()
    };
    let walks = Walks::<MembersMutant<FAULT>>::new(config);
    let schedule = REMOVALS_BESIDE_AN_ELECTION.parse().expect("a schedule");
    walks.replay(&schedule).expect("a valid setup").violation
}

const REMOVALS_BESIDE_AN_ELECTION: &str = "
    n1 restarts
    n2 restarts
    n3 restarts
    n1 campaigns
    n2 receives 4
    n2 writes
    n1 elapses Inner(OwnVote)
    n1 writes
    n1 receives 5
    n3 receives 9
    n3 writes
    n3 campaigns
    n2 receives 12
    n2 writes
    n1 changes the members to n1
    n1 writes
    n2 receives 15
    n2 writes
    n1 receives 17
    n1 writes
    n2 receives 19
    n2 writes
    n1 receives 21
    n1 writes
    n2 receives 23
    n2 writes
    n1 receives 25
    n1 writes
    n2 receives 27
    n2 writes
    n1 receives 29
    n1 writes
    n1 resigns
    n1 campaigns
    n1 elapses Inner(OwnVote)
    n1 writes
    n3 elapses Inner(OwnVote)
    n3 writes
    n3 receives 13
    n3 writes
";

// A node that forgets everything has an older epoch after a restart.
#[test]
fn a_lost_term_violates_epoch_monotonic() {
    Hunt::new("epoch-monotonic", "leader-restart", 3, 1).catches::<Mutant<NothingDurable>>();
}

// A node that forgets its vote in a crash can vote a second time in the same term.
#[test]
fn a_lost_vote_violates_one_pledge_per_epoch() {
    Hunt::new("one-pledge-per-epoch", "churn", 3, 2).catches::<Mutant<VoteNotDurable>>();
}

// An acceptor accepts another value than the proposed one. Its own pledges (promises and
// acceptances) agree with each other: only a comparison of several nodes shows the violation.
#[test]
fn a_value_of_the_acceptor_violates_one_value_per_ballot() {
    let hunt = Hunt::new(Invariant::OneValuePerBallot.name(), "boot", 3, 1);
    hunt.catches_with::<PaxosMutant<true>>(&PaxosConfig::default());
}

// In this mutant, a restarted leader still leads the epoch that it led before its restart.
#[test]
fn a_tenure_that_survives_a_restart_violates_no_tenure_twice() {
    let hunt = Hunt::new(Invariant::NoTenureTwice.name(), "leader-restart", 3, 1);
    hunt.catches::<Mutant<LeadsByItsVote>>();
}

// A majority that is off by one elects two leaders of one term.
#[test]
fn a_majority_off_by_one_violates_one_leader_per_epoch() {
    let hunt = Hunt::new("one-leader-per-epoch", "churn", 5, 1);
    Hunt {
        pre_vote: false,
        ..hunt
    }
    .catches::<Mutant<MajorityOffByOne>>();
}

// Without a check of the term of a heartbeat, nodes take an old leader for the leader of the new
// term.
#[test]
fn a_dropped_epoch_check_violates_one_leader_per_epoch() {
    Hunt::new("one-leader-per-epoch", "churn", 3, 20).catches::<Mutant<EpochCheckDropped>>();
}

// A granted pre-vote does not bind its sender. If it counts as a vote, two leaders of one term are
// elected.
#[test]
fn a_counted_pre_vote_violates_one_leader_per_epoch() {
    Hunt::new("one-leader-per-epoch", "boot", 5, 3).catches::<Mutant<LatePreVoteCounted>>();
}

// Without the gate, which holds messages back until earlier writes are durable, votes are sent
// before they are written, and a crash can undo them.
#[test]
fn a_gate_that_is_off_violates_durable_before_sent() {
    let hunt = Hunt::new("durable-before-sent", "boot", 3, 1);
    Hunt {
        gate: false,
        ..hunt
    }
    .catches::<Raft>();
}

// A leader that prolongs its lease without a quorum still holds the lease when another leader has
// been elected.
#[test]
fn a_lease_from_the_own_clock_violates_exclusive_lease() {
    let hunt = Hunt::new("exclusive-lease", "leader-pause", 3, 1);
    hunt.catches::<Mutant<LeaseFromOwnClock>>();
}

// If a suspicion (a report that may be wrong) ends the silence that a voter owes to the leader (the
// time in which it supports no other node), the voter helps to elect a second leader within the
// lease of the first leader.
#[test]
fn a_suspicion_that_frees_violates_exclusive_lease() {
    let hunt = Hunt::new("exclusive-lease", "refused-leader", 3, 1);
    hunt.catches::<Mutant<SuspicionFrees>>();
}

// `run_suspected` also runs a scenario with false suspicions. So any scenario that cuts the leader
// off finds a mutant in which a suspicion makes a voter support another leader too early.
#[test]
fn the_suspicions_in_every_scenario_violate_exclusive_lease() {
    let scenario = Scenario::named("minority-leader").expect("a built-in scenario");
    let caught = (1..=5).any(|seed| {
        let setup = Setup {
            seed,
            ..Setup::<Mutant<SuspicionFrees>>::new(5)
        };
        let (outcome, _) =
            run::run_suspected(setup, &scenario, Runs::Once).expect("the setup is valid");
        violates(&outcome, "exclusive-lease")
    });
    assert!(caught);
}

// A node that receives nothing from the leader does not agree with the other nodes in the end.
#[test]
fn a_node_that_ignores_the_leader_violates_agreement() {
    Hunt::new("agreement", "boot", 3, 5).catches::<Mutant<IgnoresNodeOne>>();
}

// A node that misses the heartbeats of a healthy leader campaigns without need.
#[test]
fn a_node_that_misses_heartbeats_violates_stability() {
    Hunt::new("stability", "boot", 3, 5).catches::<Mutant<MissesHeartbeats>>();
}

// Two runs of one seed differ if the algorithm has state that all runs of the process share.
#[test]
fn shared_state_violates_determinism() {
    Hunt::new("determinism", "leader-crash", 3, 1).catches::<Mutant<SharedState>>();
}
