//! Every invariant has a mutant that trips it: Raft, broken in one way each, in the stock
//! scenarios; Paxos where the invariant is about ballots. The seeds are named; if a change moves one, the failure says where the mutant is
//! caught now.

use std::{
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

use elector_core::{
    ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Quorum, Role, View,
};
use elector_paxos::{Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};
use elector_sim::{
    Outcome, Scenario, Setup,
    invariants::{NoTenureTwice, OneValuePerBallot},
    run,
};

/// One way to break Raft. Each hook does nothing unless a mutant says otherwise.
trait Bug: Clone + Debug + Eq + Hash + Send + Sync + Unpin + 'static {
    /// What the disk gives back.
    fn read(durable: RaftDurable) -> RaftDurable {
        durable
    }

    /// What the node takes a message for.
    fn hear(_raft: &Raft, _members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
        vec![(from, heard)]
    }

    /// What the node shows.
    fn view(raft: &Raft, _members: &Membership) -> View {
        raft.view()
    }

    /// What the node makes of a suspicion.
    fn suspect(peer: NodeId) -> Input<RaftMessage, RaftTimer> {
        Input::Suspected(peer)
    }

    /// What the node takes its lease to be.
    fn lease(raft: &Raft, _now: Moment) -> Option<Moment> {
        raft.lease()
    }
}

type Heard = Vec<(NodeId, RaftMessage)>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Mutant<B: Bug> {
    raft: Raft,
    members: Membership,
    now: Moment,
    bug: PhantomData<B>,
}

impl<B: Bug> ElectionAlgorithm for Mutant<B> {
    const NAME: &'static str = "mutant";
    type Guarantee = Quorum;
    type Config = RaftConfig;
    type Message = RaftMessage;
    type Timer = RaftTimer;
    type Durable = RaftDurable;

    fn restore(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        let raft = Raft::restore(config, members.clone(), B::read(durable));
        Self {
            raft,
            members,
            now: Moment::ZERO,
            bug: PhantomData,
        }
    }

    fn durable(&self) -> &RaftDurable {
        self.raft.durable()
    }

    fn view(&self) -> View {
        B::view(&self.raft, &self.members)
    }

    fn lease(&self) -> Option<Moment> {
        B::lease(&self.raft, self.now)
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        self.now = out.now();
        let inputs = match input {
            Input::Received { from, message } => B::hear(&self.raft, &self.members, from, message)
                .into_iter()
                .map(|(from, message)| Input::Received { from, message })
                .collect(),
            Input::Suspected(peer) => vec![B::suspect(peer)],
            other => vec![other],
        };
        for input in inputs {
            out.scoped(
                |message| message,
                |timer| timer,
                |out| self.raft.step(input, out),
            );
        }
    }
}

macro_rules! bug {
    ($(#[$doc:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        struct $name;
        impl Bug for $name { $($body)* }
    };
}

bug! {
    /// No bug: the control. If the wrapper itself tripped an invariant, the mutants would prove
    /// nothing.
    Healthy {}
}

bug! {
    /// Term and vote come back as they never were.
    NothingDurable {
        fn read(_: RaftDurable) -> RaftDurable {
            RaftDurable::default()
        }
    }
}

bug! {
    /// The term is durable, the vote is not.
    VoteNotDurable {
        fn read(durable: RaftDurable) -> RaftDurable {
            RaftDurable { voted_for: None, ..durable }
        }
    }
}

bug! {
    /// Every granted vote counts for two.
    MajorityOffByOne {
        fn hear(_: &Raft, members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            let other = members.peers().find(|&peer| peer != from);
            match (heard, other) {
                (RaftMessage::Vote { granted: true, .. }, Some(other)) => {
                    vec![(from, heard), (other, heard)]
                }
                _ => vec![(from, heard)],
            }
        }
    }
}

bug! {
    /// A heartbeat of an old term is taken for one of the present term.
    EpochCheckDropped {
        fn hear(raft: &Raft, _: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            let term_now = raft.view().epoch;
            vec![(from, match heard {
                RaftMessage::Heartbeat { term, sent, announce } => {
                    RaftMessage::Heartbeat { term: term.max(term_now), sent, announce }
                }
                other => other,
            })]
        }
    }
}

bug! {
    /// A pre-vote, which binds nobody, counts as a vote.
    LatePreVoteCounted {
        fn hear(raft: &Raft, _: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            match heard {
                RaftMessage::PreVote { next_term, granted: true, .. }
                    if next_term == raft.view().epoch =>
                {
                    vec![(from, RaftMessage::Vote { term: next_term, granted: true })]
                }
                other => vec![(from, other)],
            }
        }
    }
}

bug! {
    /// A leader takes every tick of its own for a sign that it may go on.
    LeaseFromOwnClock {
        fn lease(raft: &Raft, now: Moment) -> Option<Moment> {
            (raft.view().role == Role::Leader).then_some(now)
        }
    }
}

bug! {
    /// A node that knows no leader leads the term in which it voted for itself.
    LeadsByItsVote {
        fn view(raft: &Raft, members: &Membership) -> View {
            let (view, me) = (raft.view(), members.me());
            let own = raft.durable().voted_for == Some(me);
            if own && view.leader.is_none() && view.role == Role::Follower {
                View::leading(view.epoch, me)
            } else {
                view
            }
        }
    }
}

bug! {
    /// A broken connection is taken for a proof of death: it frees the voter.
    SuspicionFrees {
        fn suspect(peer: NodeId) -> Input<RaftMessage, RaftTimer> {
            Input::Died(peer)
        }
    }
}

bug! {
    /// Node 3 never hears node 1.
    Deaf {
        fn hear(_: &Raft, members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            if (members.me(), from) == (NodeId(3), NodeId(1)) { vec![] } else { vec![(from, heard)] }
        }
    }
}

static HEARTBEATS: AtomicU64 = AtomicU64::new(0);

bug! {
    /// Every 199th acknowledgement in the process is lost: a state that no seed decides.
    SharedState {
        fn hear(_: &Raft, _: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            let late = matches!(heard, RaftMessage::Heartbeat { .. })
                && HEARTBEATS
                    .fetch_add(1, Ordering::Relaxed)
                    .is_multiple_of(199);
            if late { vec![] } else { vec![(from, heard)] }
        }
    }
}

bug! {
    /// Node 2 sleeps through seven of eight heartbeats.
    Dozing {
        fn hear(_: &Raft, members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            match heard {
                RaftMessage::Heartbeat { sent, announce: false, .. }
                    if members.me() == NodeId(2) && sent.nanos() % 8 != 0 =>
                {
                    vec![]
                }
                other => vec![(from, other)],
            }
        }
    }
}

/// Paxos; if broken, an acceptor says that it accepted itself, whatever was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PaxosMutant<const BROKEN: bool> {
    paxos: Paxos,
    me: NodeId,
}

impl<const BROKEN: bool> ElectionAlgorithm for PaxosMutant<BROKEN> {
    const NAME: &'static str = "paxos-mutant";
    type Guarantee = Quorum;
    type Config = PaxosConfig;
    type Message = PaxosMessage;
    type Timer = PaxosTimer;
    type Durable = PaxosDurable;

    fn restore(config: &PaxosConfig, members: Membership, durable: PaxosDurable) -> Self {
        Self {
            me: members.me(),
            paxos: Paxos::restore(config, members, durable),
        }
    }

    fn durable(&self) -> &PaxosDurable {
        self.paxos.durable()
    }

    fn view(&self) -> View {
        self.paxos.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.paxos.lease()
    }

    fn step(&mut self, input: Input<PaxosMessage, PaxosTimer>, out: &mut Outbox<Self>) {
        let me = self.me;
        let said = |message| match message {
            PaxosMessage::Accepted {
                epoch,
                mut proposal,
            } if BROKEN => {
                proposal.value = me;
                PaxosMessage::Accepted { epoch, proposal }
            }
            other => other,
        };
        out.scoped(said, |timer| timer, |out| self.paxos.step(input, out));
    }
}

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
    let hunt = Hunt::new(OneValuePerBallot::NAME, "boot", 3, 1);
    hunt.catches_with::<PaxosMutant<true>>(&PaxosConfig::default());
}

// A leader that was restarted takes its former tenure for the present one.
#[test]
fn a_tenure_that_survives_a_restart_trips_no_tenure_twice() {
    Hunt::new(NoTenureTwice::NAME, "leader-restart", 3, 1).catches::<Mutant<LeadsByItsVote>>();
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

// A pre-vote binds nobody: counted as a vote, it elects two leaders of one term.
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
        let (outcome, _) = run::run_suspected(setup, &scenario, false).expect("the setup is valid");
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
