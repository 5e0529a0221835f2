//! Tests how the simulator evaluates a run: the messages and the winner of an election, and the
//! verdict of a scenario.

use std::time::Duration;

use elector_bully::{Bully, BullyConfig};
use elector_core::{
    BestEffort, Command, Delay, ElectionAlgorithm, Epoch, Input, Membership, Message, NodeId,
    Outbox, Purpose, Timing, View,
};
use elector_raft::Raft;
use elector_sim::{Disk, Network, Scenario, Setup, Simulation, run};
use serde::{Deserialize, Serialize};

const MS: Duration = Duration::from_millis(1);

// An election begins when the nodes agree on no leader any more. The step that ends their agreement
// sends the first messages of this election. The messages must count for this election, and not for
// the previous one.
#[test]
fn an_election_includes_the_messages_of_the_step_that_begins_it() {
    let mut sim = Simulation::new(Setup::<Raft>::new(5));
    let first = sim.run_until_settled(1_000 * MS).expect("elected at boot");
    sim.run_for(500 * MS);
    let elections = |sim: &Simulation<Raft>| -> Vec<u64> {
        sim.elections()
            .iter()
            .map(|election| election.messages)
            .collect()
    };
    let at_boot = elections(&sim);
    assert_eq!(at_boot, [sim.sent_for(Purpose::Election)]);
    sim.command(first.leader, Command::Resign);
    sim.run_for(500 * MS);
    let all = sim.sent_for(Purpose::Election);
    assert_eq!(elections(&sim), [at_boot[0], all - at_boot[0]]);
}

// A node can take the leadership over without a candidacy. Then its claim to lead ends the
// agreement of the nodes on the old leader. The election is won at that moment, and not when the
// last node knows the winner.
#[test]
fn an_election_is_won_at_the_claim_that_ends_the_agreement() {
    let mut setup = Setup::<Bully>::new(3);
    setup.config = BullyConfig {
        preempt: false,
        ..BullyConfig::default()
    };
    setup.network = Network::constant(MS);
    setup.disk = Disk::constant(Duration::ZERO);
    let mut sim = Simulation::new(setup);
    sim.run_until_settled(1_000 * MS).expect("elected at boot");
    sim.crash(NodeId(3));
    sim.run_until_settled(1_000 * MS)
        .expect("another is elected");
    sim.restart(NodeId(3));
    sim.run_for(300 * MS);
    sim.reset_counts();
    sim.command(NodeId(3), Command::Campaign);
    let commanded_at_ns = sim.now_ns();
    sim.run_for(100 * MS);
    let elections = sim.elections();
    let [election] = elections[..] else {
        panic!("one election: {elections:?}");
    };
    assert_eq!(election.leader, NodeId(3));
    assert_eq!(
        (election.opened_ns, election.winner_ns),
        (commanded_at_ns, commanded_at_ns)
    );
    assert_eq!(election.settled_ns, commanded_at_ns + 1_000_000);
    assert_eq!(election.messages, 2, "COORDINATOR to each lower node");
}

fn verdict<A: ElectionAlgorithm>(text: &str) -> Vec<&'static str> {
    let scenario = Scenario::parse(text, "test").expect("the scenario is valid");
    let (outcome, _) = run::run(Setup::<A>::new(3), &scenario).expect("the setup is valid");
    let violations = outcome.violations.iter();
    violations.map(|violation| violation.invariant).collect()
}

// The simulator must end all faults before it judges a run (the verdict), also in a scenario that
// starts at boot. A disk that hangs is a fault, too. Otherwise a correct algorithm would fail
// because a fault still lasts.
#[test]
fn all_faults_end_before_the_verdict() {
    let from_boot = "name = 'a'\nsummary = 'a'\nfrom_boot = true\n[[step]]\nsplit = 'node 1'";
    assert_eq!(verdict::<Raft>(from_boot), [""; 0]);
    let stalled = "name = 'b'\nsummary = 'b'\n[[step]]\nstall = { node = 'all', for_ms = 60000 }\n\
                   [[step]]\nafter_ms = 10\ncrash = 'leader'";
    assert_eq!(verdict::<Raft>(stalled), [""; 0]);
}

/// An algorithm in which node 1 leads from the start, and all nodes know this leader. After 300 ms
/// all nodes forget the leader, and send nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ForgetsItsLeader {
    members: Membership,
    is_over: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Nothing;

impl Message for Nothing {
    fn kind(&self) -> &'static str {
        "Nothing"
    }

    fn purpose(&self) -> Purpose {
        Purpose::Liveness
    }
}

impl ElectionAlgorithm for ForgetsItsLeader {
    const NAME: &'static str = "forgets-its-leader";
    type Guarantee = BestEffort;
    type Config = Timing;
    type Message = Nothing;
    type Timer = ();
    type Durable = ();

    fn restore(_: &Timing, members: Membership, (): ()) -> Self {
        Self {
            members,
            is_over: false,
        }
    }

    fn durable(&self) -> &() {
        &()
    }

    fn view(&self) -> View {
        match self.members.me() {
            _ if self.is_over => View::default(),
            NodeId(1) => View::leading(Epoch::ZERO, NodeId(1)),
            _ => View::following(Epoch::ZERO, Some(NodeId(1))),
        }
    }

    fn step(&mut self, input: Input<Nothing, ()>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => out.set_timer((), Delay::exactly(300 * MS)),
            Input::Elapsed(()) => self.is_over = true,
            Input::Received { .. }
            | Input::Suspected(_)
            | Input::Silent(_)
            | Input::Died(_)
            | Input::Returned(_)
            | Input::Commanded(_) => {}
        }
    }
}

// A cluster that has no leader and sends nothing does not change. Such a cluster must not count as
// stable.
#[test]
fn a_cluster_that_loses_its_leader_in_silence_is_not_stable() {
    let boot = Scenario::source("boot").expect("a stock scenario");
    assert!(verdict::<ForgetsItsLeader>(boot).contains(&"stability"));
}
