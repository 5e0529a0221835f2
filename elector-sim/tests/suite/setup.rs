//! Tests of setups in which the nodes have different durable states or different configurations.

use std::time::Duration;

use elector_core::{Command, Epoch, NodeId};
use elector_raft::{Raft, RaftConfig, RaftDurable};
use elector_sim::{Setup, SetupError, Simulation, scenario::Scenario};

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);
const MS: Duration = Duration::from_millis(1);

fn voted(term: u64, choice: NodeId) -> RaftDurable {
    RaftDurable {
        term: Epoch(term),
        voted_for: Some(choice),
        ..RaftDurable::default()
    }
}

/// A configuration with these bounds of the election timeout, in milliseconds.
fn timeout(min: u32, max: u32) -> RaftConfig {
    let mut config = RaftConfig::default();
    (config.timing.election_min, config.timing.election_max) = (min * MS, max * MS);
    config
}

fn settled(setup: Setup<Raft>) -> (Simulation<Raft>, NodeId, Epoch) {
    let mut sim = Simulation::new(setup);
    let settled = sim.run_until_settled(5_000 * MS).expect("a leader");
    (sim, settled.leader, settled.epoch)
}

// Many questions about Raft begin with a sentence such as "node 2 has voted in term 7". Node 2 must
// start with this term and this vote, and the cluster must elect a leader in a higher term.
#[test]
fn a_node_starts_with_its_initial_record() {
    for seed in 1..=20 {
        let mut setup = Setup::<Raft>::new(3);
        setup.seed = seed;
        setup.initial.insert(N2, voted(7, N2));
        let sim = Simulation::new(setup.clone());
        assert_eq!(
            (sim.view(N1).epoch, sim.view(N2).epoch),
            (Epoch(0), Epoch(7))
        );
        let (sim, _, epoch) = settled(setup);
        assert!(epoch > Epoch(7), "seed {seed}: a leader of {epoch:?}");
        assert_eq!(sim.violations(), []);
    }
}

// A vote in the initial durable state must bind the node. Nodes 1 and 2 have voted in term 1, each
// for itself, so node 3 cannot lead term 1 although it asks first.
#[test]
fn a_vote_of_an_initial_record_binds_the_node() {
    let (_, leader, epoch) = settled(early_campaign(&[]));
    assert_eq!((leader, epoch), (N3, Epoch(1)));
    let (_, _, epoch) = settled(early_campaign(&[(N1, voted(1, N1)), (N2, voted(1, N2))]));
    assert!(epoch > Epoch(1), "{epoch:?}");
}

/// Returns a cluster without pre-votes in which node 3 campaigns first, because its election
/// timeout is the shortest.
fn early_campaign(initial: &[(NodeId, RaftDurable)]) -> Setup<Raft> {
    let mut setup = Setup::<Raft>::new(3);
    setup.config.pre_vote = false;
    setup.initial.extend(initial.iter().cloned());
    let mut first = timeout(130, 140);
    first.pre_vote = false;
    setup.configs.insert(N3, first);
    setup
}

// The initial durable state is on a disk like any other: it must survive a crash, but not the loss
// of the disk.
#[test]
fn an_initial_record_survives_a_crash_but_not_a_lost_disk() {
    let mut setup = Setup::<Raft>::new(3);
    setup.initial.insert(N2, voted(7, N2));
    let mut sim = Simulation::new(setup);
    sim.crash(N2);
    sim.restart(N2);
    assert_eq!(sim.view(N2).epoch, Epoch(7));
    sim.wipe(N2);
    sim.restart(N2);
    assert_eq!(sim.view(N2).epoch, Epoch(0));
}

// Each node must use its own configuration, and not the configuration of another node. A node with
// a shorter election timeout than the others campaigns first, so it must win.
#[test]
fn a_node_with_a_shorter_election_timeout_wins() {
    let leaders = |shorter: bool| {
        let leader = |seed| {
            let mut setup = Setup::<Raft>::new(3);
            setup.seed = seed;
            if shorter {
                setup.configs.insert(N3, timeout(130, 140));
            }
            settled(setup).1
        };
        (1..=20).map(leader).collect::<Vec<_>>()
    };
    assert!(leaders(true).iter().all(|&leader| leader == N3));
    assert!(leaders(false).iter().any(|&leader| leader != N3));
}

// The lease of a node has the length that the configuration of this node gives. If this length is
// longer than the time for which the other nodes support no other leader, two nodes can hold a
// lease at the same time. The simulator must detect that.
#[test]
fn a_lease_is_that_of_the_nodes_own_configuration() {
    let overlaps = |lease: u32| {
        let mut setup = Setup::<Raft>::new(3);
        let mut config = timeout(2_000, 3_000);
        config.timing.lease = lease * MS;
        setup.configs.insert(N1, config);
        let mut sim = Simulation::new(setup);
        sim.command(N1, Command::Campaign);
        let settled = sim.run_until_settled(100 * MS).expect("a leader");
        assert_eq!(settled.leader, N1);
        sim.cut(&[(N1, N2), (N2, N1), (N1, N3), (N3, N1)]);
        sim.run_for(900 * MS);
        assert!(sim.leader().is_some_and(|leader| leader != N1));
        let mut violations = sim.violations().iter();
        violations.any(|violation| violation.invariant == "exclusive-lease")
    };
    assert!(!overlaps(120));
    assert!(overlaps(1_500));
}

// Researchers also run scenarios with nodes that have different states and configurations. Such a
// run must be as deterministic as any other run.
#[test]
fn a_scenario_runs_with_a_mixed_setup() {
    let mut setup = Setup::<Raft>::new(5);
    setup.initial.insert(N2, voted(7, N3));
    setup.configs.insert(N3, timeout(140, 400));
    for name in ["leader-crash", "random:drift+crash"] {
        let scenario = Scenario::named(name).unwrap();
        let (outcome, _) = elector_sim::run::run_twice(setup.clone(), &scenario).unwrap();
        assert_eq!(outcome.violations, []);
        assert!(outcome.elected, "{name}");
    }
}

// If a user mistypes an id, the setting for this id would have no effect on the run. So an unknown
// id must be an error.
#[test]
fn settings_of_unknown_nodes_and_invalid_configurations_are_errors() {
    let error = |change: fn(&mut Setup<Raft>)| {
        let mut setup = Setup::<Raft>::new(3);
        change(&mut setup);
        Simulation::try_new(setup).map(drop).unwrap_err()
    };
    let unknown = error(|setup| {
        setup.initial.insert(NodeId(9), RaftDurable::default());
    });
    assert_eq!(
        unknown.to_string(),
        "initial: node 9 is not in the cluster: give one of its nodes, or add it to them"
    );
    let unknown = error(|setup| {
        setup.configs.insert(NodeId(9), RaftConfig::default());
    });
    assert!(matches!(
        unknown,
        SetupError::UnknownNode {
            what: "configs",
            node: NodeId(9)
        }
    ));
    let invalid = error(|setup| {
        setup.configs.insert(N2, timeout(150, 100));
    });
    assert!(
        matches!(invalid, SetupError::NodeConfig { node: N2, .. }),
        "{invalid}"
    );
    // The configuration of all other nodes is validated too.
    let common = error(|setup| setup.config = timeout(150, 100));
    assert!(matches!(common, SetupError::Config(_)), "{common}");
}
