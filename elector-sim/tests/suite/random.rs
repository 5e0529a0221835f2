//! Tests of random compositions of faults: the command that replays a run must use the composition
//! that the seed of the run drew.

use elector_core::trace::{Event, EventOf};
use elector_raft::{Raft, RaftConfig};
use elector_sim::{
    Contestant, Scenario, Setup, Sweep, run,
    scenario::{Composition, Ingredient},
};

fn raft() -> Vec<Contestant> {
    vec![Contestant::of::<Raft>(
        "pre-vote",
        "",
        RaftConfig::default(),
    )]
}

fn traced(scenario: &Scenario, seed: u64) -> (u64, String) {
    let setup = Setup::<Raft> {
        seed,
        trace: true,
        ..Setup::new(3)
    };
    let (outcome, records) = run::run(setup, scenario).expect("the setup is valid");
    let records = serde_json::to_string(&records).expect("records are JSON");
    (outcome.digest, records)
}

// A report of a violation in a sweep is useless if its replay command simulates another run.
#[test]
fn the_replay_command_repeats_the_run_of_the_sweep() {
    let sweep = Sweep {
        runs: 6,
        ..Sweep::of(raft(), &[3], &["random"]).expect("it is built in")
    };
    let cells = sweep.run(&|_, _| ()).expect("the sweep is valid");
    let mut names = Vec::new();
    for outcome in &cells[0].outcomes {
        let replay = cells[0].replay(outcome.seed);
        let words: Vec<&str> = replay.split(' ').collect();
        let name = words[words.iter().position(|word| *word == "--scenario").unwrap() + 1];
        let drawn = Composition::drawn(outcome.seed);
        assert_eq!(name, format!("random:{drawn}"));
        let given = Scenario::named(name).expect("a composition has a name");
        let random = Scenario::named("random").expect("it is built in");
        assert_eq!(random.clone().at_seed(outcome.seed), given);
        let (digest, trace) = traced(&given, outcome.seed);
        assert_eq!(digest, outcome.digest, "{name}");
        assert!(traced(&random, outcome.seed) == (digest, trace), "{name}");
        names.push(name.to_owned());
    }
    names.sort_unstable();
    names.dedup();
    assert!(
        names.len() >= 5,
        "every run has its own composition: {names:?}"
    );
}

// Only a run of the scenario `random` gets a name with the composition that its seed drew. Other
// scenarios keep their names.
#[test]
fn other_scenarios_keep_their_names() {
    for name in ["churn", "random:crash"] {
        assert_eq!(Scenario::name_at_seed(name, 7), name);
        let scenario = Scenario::named(name).expect("it is built in");
        assert_eq!(scenario.clone().at_seed(7), scenario);
    }
}

// Users look up the names of the ingredients (kinds of faults) in the file of the scenario
// `random`, so this file must list all of them.
#[test]
fn the_file_lists_every_ingredient() {
    let text = Scenario::source("random").expect("it is built in");
    let listed = text
        .split("The kinds: ")
        .nth(1)
        .and_then(|rest| rest.split('.').next());
    let listed = listed.expect("a list").replace("\n#", "");
    let names = Ingredient::ALL.map(|(name, _)| name);
    assert_eq!(listed.split(", ").collect::<Vec<_>>(), names);
}

// An ingredient (kind of fault) without effect would make a comparison look better than it is. A
// fault that is not in the composition must not occur.
#[test]
fn each_ingredient_causes_its_own_faults_and_no_others() {
    for (name, ingredient) in Ingredient::ALL {
        let scenario = Scenario::named(&format!("random:{name}")).expect("an ingredient");
        let seen = faults(&scenario);
        let expected: &[&str] = match ingredient {
            Ingredient::Crash | Ingredient::Restart => &["crash"],
            Ingredient::Pause => &["pause"],
            Ingredient::Split | Ingredient::OneWay => &["cut"],
            Ingredient::Loss | Ingredient::Duplicate | Ingredient::Reorder => &["network"],
            Ingredient::LateMessage => &["messages"],
            Ingredient::Stall => &["disk"],
            Ingredient::Drift => &["clock"],
            // This composition ends no process, so there is no proof of death.
            Ingredient::Hints => &[],
            Ingredient::Transfer | Ingredient::Resign | Ingredient::Campaign => &["command"],
        };
        assert_eq!(seen, expected, "{name}");
    }
    let hinted = Scenario::named("random:crash+hints").expect("ingredients");
    assert_eq!(faults(&hinted), ["crash", "hint"]);
}

/// Returns the kinds of faults in the traces of a few runs.
fn faults(scenario: &Scenario) -> Vec<&'static str> {
    let mut seen = Vec::new();
    for seed in 1..=4 {
        let setup = Setup::<Raft> {
            seed,
            trace: true,
            ..Setup::new(3)
        };
        let (outcome, records) = run::run(setup, scenario).expect("the setup is valid");
        assert_eq!(outcome.violations, [], "{}", scenario.name);
        seen.extend(records.iter().filter_map(|record| kind(&record.event)));
    }
    seen.sort_unstable();
    seen.dedup();
    seen
}

fn kind(event: &EventOf<Raft>) -> Option<&'static str> {
    use elector_core::trace::Stimulus;
    match event {
        Event::Crashed => Some("crash"),
        Event::Paused => Some("pause"),
        Event::Cut { .. } => Some("cut"),
        Event::Wiped => Some("wipe"),
        Event::Stepped { input, .. } => match input {
            Stimulus::Suspected { .. } | Stimulus::Died { .. } | Stimulus::Returned { .. } => {
                Some("hint")
            }
            Stimulus::Commanded { .. } => Some("command"),
            _ => None,
        },
        Event::Note { text } => {
            let words = ["network", "messages", "disk", "clock"];
            words.into_iter().find(|word| text.starts_with(word))
        }
        _ => None,
    }
}
