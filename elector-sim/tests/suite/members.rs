//! Scenarios that change the members.

use elector_members::{Members, MembersConfig};
use elector_raft::{Raft, RaftConfig};
use elector_sim::{
    Contestant, Job, MembersOutcome, Outcome, Scenario, Setup, SetupError, Simulation, Sweep, run,
};

fn setup(scenario: &Scenario, nodes: u64, seed: u64) -> Setup<Members<Raft>> {
    let setup = Setup::with_members(nodes, scenario.spares, &RaftConfig::default());
    Setup { seed, ..setup }
}

fn outcome(scenario: &Scenario, nodes: u64, seed: u64) -> Outcome {
    let (outcome, _) = run::run(setup(scenario, nodes, seed), scenario).expect("a valid setup");
    outcome
}

fn parsed(steps: &str) -> Scenario {
    let text = format!("name = \"x\"\nsummary = \"y\"\n{steps}");
    Scenario::parse(&text, "x.toml").expect("a valid scenario")
}

fn took(outcome: &Outcome) -> Option<u64> {
    let MembersOutcome { took_ns, .. } = outcome.members.expect("an operator has asked");
    took_ns
}

// The figures of a change are only useful if the change was completed, and if the nodes agree on a
// leader in the end.
#[test]
fn every_change_is_completed_and_measured() {
    for scenario in Scenario::changing_members().expect("the built-in scenarios are valid") {
        for nodes in [3, 4, 5].into_iter().filter(|&n| n >= scenario.min_nodes) {
            for seed in 1..=3 {
                let outcome = outcome(&scenario, nodes, seed);
                let name = format!("{}, n = {nodes}, seed {seed}", scenario.name);
                assert_eq!(outcome.violations, [], "{name}");
                assert!(outcome.elected, "{name}");
                let took = took(&outcome).expect("the change is complete");
                assert!(took > 1_000_000, "{name}: {took} ns");
            }
        }
    }
}

// If the leader runs and stays a voter, it can change the other members without an election. So the
// cluster has a leader at all times.
#[test]
fn a_change_of_followers_needs_no_election() {
    for name in [
        "grow",
        "shrink",
        "replace-dead",
        "swap-disk",
        "two-operators",
    ] {
        let scenario = Scenario::named(name).expect("a built-in scenario");
        let outcome = outcome(&scenario, 5, 1);
        assert_eq!(outcome.elections, [], "{name}");
        let members = outcome.members.expect("an operator has asked");
        assert_eq!(members.leaderless_ns, 0, "{name}");
    }
}

// The wiped node comes back with another disk, and no operator readmits it (allows it to vote
// again). So the change is never complete, and the run must fail although there is a leader.
#[test]
fn a_goal_that_is_not_reached_is_a_failure() {
    let scenario = parsed(
        "spares = 1\n[[step]]\nwipe = \"follower 1\"\n[[step]]\nmembers = { goal = \"all\" }\n",
    );
    let outcome = outcome(&scenario, 3, 1);
    assert!(!outcome.elected);
    assert_eq!(took(&outcome), None);
    let violation = &outcome.violations[0];
    assert_eq!(violation.invariant, "agreement");
    assert!(
        violation
            .detail
            .ends_with("the members are still not the wanted ones: 1,2,3,4"),
        "{}",
        violation.detail
    );
}

// A goal that selects no node must not remove all voters.
#[test]
fn a_goal_without_nodes_does_nothing() {
    let scenario = parsed("[[step]]\nmembers = { goal = \"crashed\" }\n");
    let outcome = outcome(&scenario, 3, 1);
    assert!(outcome.elected && outcome.members.is_none());
}

// The change of the second operator waits until the change of the first operator is complete. So
// the members in the end must be those that the second operator wants.
#[test]
fn the_members_are_those_of_the_last_change() {
    let scenario = Scenario::named("two-operators").expect("a built-in scenario");
    let mut sim = Simulation::new(setup(&scenario, 3, 1));
    sim.run_for(std::time::Duration::from_secs(1));
    sim.play(&scenario.steps);
    sim.run_for(std::time::Duration::from_secs(5));
    let leader = sim.leader().expect("a leader");
    let roster = sim.algorithm(leader).expect("it runs").roster();
    assert!(!roster.is_changing());
    assert_eq!(roster.voters.len(), 3);
    assert!(roster.voter(4.into()).is_some(), "the spare joined");
}

// A contestant with fixed members, for example Bully, has no figures in a scenario that changes the
// members. A row of zeros would look like a very good result.
#[test]
fn a_contestant_with_fixed_members_has_no_figures() {
    let config = RaftConfig::default();
    let fixed = Contestant::of::<Raft>("fixed", "", config.clone());
    let able = Contestant::of::<Raft>("able", "", config.clone()).with_members::<Raft>(config);
    let scenario = Scenario::named("grow").expect("a built-in scenario");
    let refused = fixed.run(&Job {
        scenario: &scenario,
        nodes: 3,
        seed: 1,
        trace: false,
        twice: false,
        false_suspicions: false,
    });
    assert_eq!(
        refused.expect_err("its members are fixed"),
        SetupError::FixedMembers("grow".to_owned())
    );
    let mut sweep = Sweep::of(vec![fixed, able], &[3], &["members", "boot"]).expect("valid names");
    sweep.runs = 1;
    assert_eq!(sweep.cells(), 8 + 2, "`boot` runs with both");
    let table = sweep.table().expect("a valid sweep");
    let row = |label: &str, scenario: &str| {
        let mut lines = table.lines();
        let found = lines.find(|line| line.contains(label) && line.contains(scenario));
        found.unwrap_or_else(|| panic!("{label} {scenario}: {table}"))
    };
    assert!(!row("raft/fixed", "grow").contains('0'));
    assert_eq!(row("raft/fixed", "grow").matches('–').count(), 11);
    assert!(row("raft/able", "grow").contains("1/1"));
    assert!(row("raft/fixed", "boot").contains("1/1"));
    let changes = table
        .split("Changes of the members")
        .nth(1)
        .expect("a table");
    assert!(!changes.contains("boot"), "{changes}");
    assert_eq!(changes.matches("raft/fixed").count(), 8);
    assert_eq!(changes.matches("1/1").count(), 8, "{changes}");
    sweep.contestants.pop();
    sweep.scenarios.pop();
    let error = sweep.table().expect_err("nothing to run").to_string();
    assert!(error.contains("whose members can change"), "{error}");
}

// The ids of the first voters are in the configuration of each node, and each node has a disk of
// its own. A spare must not vote before a change of the members has added it.
#[test]
fn spares_do_not_vote_at_the_beginning() {
    let scenario = Scenario::named("grow").expect("a built-in scenario");
    let setup = setup(&scenario, 3, 1);
    assert_eq!(setup.nodes.len(), 5);
    let configs: Vec<&MembersConfig<RaftConfig>> = setup.configs.values().collect();
    assert!(configs.iter().all(|config| config.first.len() == 3));
    let mut disks: Vec<_> = configs.iter().map(|config| config.disk).collect();
    disks.dedup();
    assert_eq!(disks.len(), 5);
    let mut sim = Simulation::new(setup);
    sim.run_for(std::time::Duration::from_secs(1));
    let leader = sim.settled().expect("a leader").leader;
    assert!(leader.0 <= 3);
    assert_eq!(sim.view(5.into()).leader, Some(leader), "a spare observes");
}
