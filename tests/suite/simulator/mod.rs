//! Tests the simulator with real algorithms: runs are deterministic, and each fault has its effect.

mod evidence;

use std::time::Duration;

use elector_bully::Bully;
use elector_core::{
    Command, ElectionAlgorithm as _, NodeId, Purpose, Role,
    trace::{Event, EventOf, Loss, RecordOf, Stimulus},
};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::{Disk, Latency, Network, Scenario, Setup, SetupError, Simulation, run};

const MS: Duration = Duration::from_millis(1);

fn cluster(nodes: u64, change: impl FnOnce(&mut Setup<Raft>)) -> Simulation<Raft> {
    let mut setup = Setup::new(nodes);
    change(&mut setup);
    let mut sim = Simulation::new(setup);
    sim.run_until_settled(1_000 * MS)
        .expect("the cluster elects at boot");
    sim
}

fn leader(sim: &Simulation<Raft>) -> NodeId {
    sim.settled().expect("the cluster is settled").leader
}

fn lost(sim: &Simulation<Raft>, why: Loss) -> usize {
    let is = |event: &EventOf<Raft>| matches!(event, Event::Lost { why: is, .. } if *is == why);
    sim.trace()
        .iter()
        .filter(|record| is(&record.event))
        .count()
}

// A failed run is useful only if its seed repeats it, byte for byte.
#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    let trace = |seed| {
        let setup = Setup::<Raft> {
            seed,
            trace: true,
            ..Setup::new(5)
        };
        let churn = Scenario::named("churn").expect("a built-in scenario");
        let (outcome, records) = run::run(setup, &churn).expect("the setup is valid");
        (
            outcome.digest,
            serde_json::to_string(&records).expect("records are JSON"),
        )
    };
    let (first, second, other) = (trace(7), trace(7), trace(8));
    assert!(first == second, "two runs of seed 7 differ");
    assert!(
        first.0 != other.0 && first.1 != other.1,
        "seeds 7 and 8 are the same run"
    );
}

// Researchers read traces back: each value of each algorithm must be the same after it was written
// and read.
#[test]
fn a_trace_reads_back_from_json() {
    reads_back::<Raft>();
    reads_back::<Paxos>();
    reads_back::<Bully>();
    reads_back::<Ring>();
}

fn reads_back<A: elector_core::ElectionAlgorithm>() {
    let setup = Setup::<A> {
        trace: true,
        ..Setup::new(3)
    };
    let churn = Scenario::named("churn").expect("a built-in scenario");
    let (_, records) = run::run(setup, &churn).expect("the setup is valid");
    assert!(records.len() > 100);
    for record in records {
        let line = serde_json::to_string(&record).expect("a record is JSON");
        let back: RecordOf<A> = serde_json::from_str(&line).expect("a record");
        assert_eq!(back, record);
    }
}

// The trace of a run must not change the run. Otherwise a failed run could not be examined with a
// trace.
#[test]
fn a_traced_run_is_the_same_run() {
    let digest = |trace| {
        let setup = Setup::<Raft> {
            trace,
            ..Setup::new(5)
        };
        let scenario = Scenario::named("lossy").expect("a built-in scenario");
        run::run(setup, &scenario)
            .expect("the setup is valid")
            .0
            .digest
    };
    assert_eq!(digest(true), digest(false));
}

// The share of lost and duplicated messages must match the configured probability.
#[test]
fn loss_and_duplication_have_the_configured_probability() {
    let share = |change: fn(&mut Network), of: fn(&Simulation<Raft>) -> f64| {
        let mut sim = cluster(5, |setup| setup.trace = true);
        let mut network = Network::default();
        change(&mut network);
        sim.act(&elector_sim::scenario::Action::Network(network));
        sim.reset_counts();
        sim.run_for(20_000 * MS);
        let sent: u64 = sim.counts().kinds().iter().map(|count| count.sent).sum();
        of(&sim) / sent as f64
    };
    let lossy = share(
        |network| network.loss = 0.1,
        |sim| lost(sim, Loss::Chance) as f64,
    );
    assert!((0.08..0.12).contains(&lossy), "{lossy} lost of 0.1");
    let arrived = |sim: &Simulation<Raft>| {
        let is_arrival = |event: &EventOf<Raft>| {
            matches!(
                event,
                Event::Stepped {
                    input: Stimulus::Received { .. },
                    ..
                }
            )
        };
        sim.trace()
            .iter()
            .filter(|record| is_arrival(&record.event))
            .count() as f64
    };
    let twice = share(|network| network.duplicate = 0.2, arrived);
    assert!(
        (1.15..1.3).contains(&twice),
        "{twice} arrivals a message of 1.2"
    );
}

// A message to a node that does not run is counted, and the trace gives a separate reason for its
// loss.
#[test]
fn messages_to_nodes_that_are_down_are_counted_separately() {
    let mut sim = cluster(3, |setup| setup.trace = true);
    let follower = sim
        .nodes()
        .into_iter()
        .find(|&node| node != leader(&sim))
        .unwrap();
    sim.crash(follower);
    sim.reset_counts();
    sim.run_for(500 * MS);
    assert!(
        sim.to_dead() >= 9,
        "{} heartbeats to the node that is down in 500 ms",
        sim.to_dead()
    );
    assert!(lost(&sim, Loss::Dead) as u64 >= sim.to_dead());
}

// If a paused process ends, its waiting messages are lost, and the trace has each loss.
#[test]
fn a_paused_process_that_ends_loses_its_waiting_messages() {
    let mut sim = cluster(3, |setup| setup.trace = true);
    let leader = leader(&sim);
    let follower = sim
        .nodes()
        .into_iter()
        .find(|&node| node != leader)
        .unwrap();
    sim.pause(follower);
    sim.run_for(500 * MS);
    let before = lost(&sim, Loss::Dead);
    sim.crash(follower);
    assert!(
        lost(&sim, Loss::Dead) >= before + 9,
        "nine heartbeats in 500 ms"
    );
}

// If one direction of a link is cut, the other direction must still work.
#[test]
fn a_one_way_cut_is_one_way() {
    let mut sim = cluster(2, |setup| setup.trace = true);
    let (one, two) = (NodeId(1), NodeId(2));
    sim.cut(&[(one, two)]);
    sim.run_for(300 * MS);
    let blocked = sim.trace().iter().all(|record| match &record.event {
        Event::Lost {
            to, why: Loss::Cut, ..
        } => *to == two,
        _ => true,
    });
    assert!(blocked && lost(&sim, Loss::Cut) > 0);
    sim.heal();
    assert!(sim.run_until_settled(2_000 * MS).is_some());
}

/// Returns three nodes of plain Raft with slow disks and long timeouts. The leader is down, and the
/// two other nodes campaign only when the test sends them the command.
fn followers_without_leader() -> (Simulation<Raft>, [NodeId; 2]) {
    let mut sim = cluster(3, |setup| {
        setup.disk = Disk::constant(50 * MS);
        setup.config.pre_vote = false;
        setup.config.timing.election_max = 5_000 * MS;
    });
    let dead = leader(&sim);
    let left: Vec<NodeId> = sim
        .nodes()
        .into_iter()
        .filter(|&node| node != dead)
        .collect();
    sim.crash(dead);
    sim.run_for(200 * MS);
    (sim, [left[0], left[1]])
}

// Seed 7 of the scenario "churn" with 5 nodes found this bug, in the algorithm of
// `examples/my_algorithm.rs`: a write that ended while its process was paused was counted a second
// time when the process continued. Because of this second count, the next write counted as durable
// too early.
#[test]
fn a_write_ends_once_although_its_process_is_paused() {
    let (mut sim, [node, other]) = followers_without_leader();
    // Two writes of `node` end 150 and 200 ms from now: the vote of its own campaign, whose write
    // begins when the stall (the time in which the disk hangs) ends, and its vote in the second
    // campaign of `other`.
    sim.stall(node, 100 * MS);
    sim.command(node, Command::Campaign);
    sim.command(other, Command::Campaign);
    sim.run_for(60 * MS);
    sim.command(other, Command::Campaign);
    sim.run_for(80 * MS);
    assert_eq!(
        sim.algorithm(node).unwrap().durable().voted_for,
        Some(other),
        "two writes wait"
    );
    sim.pause(node);
    sim.run_for(30 * MS);
    sim.resume(node);
    sim.run_for(200 * MS);
    assert_eq!(sim.violations(), []);
}

// A disk that hangs must not finish its current write.
#[test]
fn a_stall_delays_the_current_write() {
    for (until, written) in [(190 * MS, false), (230 * MS, true)] {
        let (mut sim, [node, _]) = followers_without_leader();
        let epoch = sim.view(node).epoch;
        sim.command(node, Command::Campaign);
        sim.run_for(20 * MS);
        sim.stall(node, 200 * MS);
        sim.run_for(until);
        sim.crash(node);
        sim.restart(node);
        let after = if written { epoch.next() } else { epoch };
        assert_eq!(
            sim.view(node).epoch,
            after,
            "after {until:?} of a 200 ms stall"
        );
    }
}

// A vote whose write had not ended before the crash does not exist after the restart.
#[test]
fn a_crash_loses_only_the_current_write() {
    for (written_for, survives) in [(20 * MS, false), (80 * MS, true)] {
        let (mut sim, [node, _]) = followers_without_leader();
        let epoch = sim.view(node).epoch;
        sim.command(node, Command::Campaign);
        sim.run_for(written_for);
        assert_eq!(sim.view(node).epoch, epoch.next(), "it votes for itself");
        sim.crash(node);
        sim.restart(node);
        let after = if survives { epoch.next() } else { epoch };
        assert_eq!(
            sim.view(node).epoch,
            after,
            "after {written_for:?} of a 50 ms write"
        );
    }
}

// A node that has lost its disk can vote twice, so an operator must not start it again. If it does
// start, the simulator must detect this.
#[test]
fn a_wiped_node_has_an_older_epoch_and_is_detected() {
    let mut sim = cluster(3, |_| ());
    let node = leader(&sim);
    sim.wipe(node);
    sim.restart(node);
    let caught =
        |violation: &elector_sim::invariants::Violation| violation.invariant == "epoch-monotonic";
    assert!(
        sim.violations().iter().any(caught),
        "{:?}",
        sim.violations()
    );
}

// A paused node must get the messages of the pause when it resumes.
#[test]
fn a_paused_node_catches_up_when_it_resumes() {
    let mut sim = cluster(3, |_| ());
    let paused = leader(&sim);
    sim.pause(paused);
    let next = sim.run_until_settled(2_000 * MS).expect("the others elect");
    assert_ne!(next.leader, paused);
    sim.resume(paused);
    sim.run_for(5 * MS);
    assert_eq!(
        sim.view(paused).leader,
        Some(next.leader),
        "it has handled its waiting messages"
    );
    assert_eq!(sim.view(paused).role, Role::Follower);
}

// The timers of a fast clock elapse early, and those of a slow clock elapse late. The number of
// heartbeats shows the difference.
#[test]
fn a_fast_clock_runs_timers_early() {
    let elections = |rate: f64| {
        let mut sim = cluster(3, |_| ());
        let leader = leader(&sim);
        sim.drift(leader, rate);
        sim.reset_counts();
        sim.run_for(2_000 * MS);
        sim.sent("Heartbeat")
    };
    let (slow, fast) = (elections(0.5), elections(2.0));
    assert!(
        (38..=42).contains(&slow),
        "{slow} heartbeats at half the rate"
    );
    assert!(
        (156..=164).contains(&fast),
        "{fast} heartbeats at twice the rate"
    );
}

// A timer follows the clock of its node, also after a change of the rate of this clock.
#[test]
fn a_running_timer_follows_its_clock() {
    let elected_at = |rate: f64| {
        let mut setup = Setup::<Raft>::new(1);
        setup.disk = Disk::constant(Duration::ZERO);
        setup.config.timing.election_max = setup.config.timing.election_min;
        let mut sim = Simulation::new(setup);
        sim.run_for(100 * MS);
        sim.drift(NodeId(1), rate);
        let settled = sim.run_until_settled(1_000 * MS).expect("it elects itself");
        settled.at_ns / 1_000_000
    };
    let no_number = f64::NAN;
    assert_eq!(
        [2.0, 1.0, 0.5, no_number].map(elected_at),
        [125, 150, 200, 150]
    );
}

// The error for a wrong setup must name the reason, before anything runs.
#[test]
fn errors_for_wrong_setups_name_the_reason() {
    let why = |change: fn(&mut Setup<Raft>)| {
        let mut setup = Setup::new(3);
        change(&mut setup);
        Simulation::try_new(setup)
            .expect_err("the setup is wrong")
            .to_string()
    };
    assert!(why(|setup| setup.nodes.clear()).contains("list of nodes is empty"));
    assert!(why(|setup| setup.nodes.push(NodeId(3))).contains("listed twice"));
    assert!(why(|setup| setup.network.loss = 1.5).contains("loss must be between 0 and 1"));
    assert!(why(|setup| setup.network.latency = Latency::uniform(2 * MS, MS)).contains("above"));
    assert!(why(|setup| setup.disk = Disk::constant(Duration::MAX)).contains("over a day"));
    assert!(why(|setup| setup.config.timing.lease = 500 * MS).contains("lease"));
    let error = Simulation::<Raft>::try_new(Setup::new(0)).expect_err("no nodes");
    assert!(matches!(error, SetupError::Membership(_)));
}

// A latency that differs on one link simulates a distant data centre.
#[test]
fn a_link_can_have_a_latency_of_its_own() {
    let mut setup = Setup::<Raft>::new(2);
    setup.network = Network::constant(MS);
    setup
        .network
        .links
        .insert((0, 1), Latency::Constant(40 * MS));
    setup.trace = true;
    let mut sim = Simulation::new(setup);
    sim.run_until_settled(5_000 * MS)
        .expect("the cluster elects");
    sim.run_for(200 * MS);
    assert!(sim.sent_for(Purpose::Liveness) > 0);
    let mut sent = std::collections::BTreeMap::new();
    for record in sim.trace() {
        match &record.event {
            Event::Sent { id, .. } => drop(sent.insert(*id, record.at_ns)),
            Event::Stepped {
                input: Stimulus::Received { from, id, .. },
                ..
            } => {
                let takes = (record.at_ns - sent[id]) / 1_000_000;
                assert_eq!(takes, if *from == NodeId(1) { 40 } else { 1 });
            }
            _ => {}
        }
    }
}
