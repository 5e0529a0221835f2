//! People write scenario files by hand: every mistake must be reported with its line.

use std::path::Path;

use elector_sim::{
    Scenario,
    scenario::{Action, Ingredient, ScenarioError, Selector},
};

/// The page of the guide about scenario files.
const GUIDE: &str = include_str!("../../../docs/scenarios.md");

fn wrong(text: &str) -> String {
    Scenario::parse(text, "mine.toml")
        .expect_err(text)
        .to_string()
}

// The built-in scenarios are files too: each must parse, and must have a summary and a text about
// what a user sees.
#[test]
fn every_builtin_scenario_parses_and_describes_what_a_user_sees() {
    let builtin = Scenario::builtin().expect("the built-in scenarios are valid");
    assert!(builtin.len() >= 26);
    let changing = Scenario::changing_members().expect("the built-in scenarios are valid");
    assert!(builtin.iter().all(|scenario| !scenario.changes_members()));
    assert!(changing.iter().all(Scenario::changes_members));
    for scenario in builtin.into_iter().chain(changing) {
        assert!(
            !scenario.summary.is_empty() && !scenario.sees.is_empty(),
            "{}",
            scenario.name
        );
        let named = Scenario::named(&scenario.name).expect("it can be asked for by name");
        assert_eq!(named, scenario);
    }
}

// The guide advises users to start with a changed copy of a built-in scenario, so such a copy must
// parse.
#[test]
fn a_changed_copy_of_a_builtin_scenario_parses() {
    let source = Scenario::source("leader-crash").expect("it is built in");
    let copy = source.replace("crash = \"leader\"", "crash = \"node 3\"");
    let scenario = Scenario::parse(&copy, "copy.toml").expect("the copy is valid");
    assert_eq!(
        scenario.steps[0].action,
        Action::Crash(Selector::Node(3.into()))
    );
}

// Each mistake in a file must be reported with its line and its reason. For a misspelled selector,
// the error must list the selectors that exist.
#[test]
fn mistakes_are_reported_with_line_and_reason() {
    let head = "name = \"x\"\nsummary = \"y\"\n";
    let step = |body: &str| wrong(&format!("{head}[[step]]\n{body}\n"));
    let unknown = step("crahs = \"leader\"");
    assert!(
        unknown.contains("line 4") && unknown.contains("crahs"),
        "{unknown}"
    );
    let selector = step("crash = \"leeder\"");
    assert!(
        selector.contains("line 4") && selector.contains("minority-with-leader"),
        "{selector}"
    );
    let none = step("after_ms = 5");
    assert!(none.contains("line 3") && none.contains("has 0"), "{none}");
    let two = step("crash = \"leader\"\nheal = true");
    assert!(two.contains("line 3") && two.contains("has 2"), "{two}");
    let three = step("crash = \"leader\"\nheal = true\npause = \"all\"");
    assert!(three.contains("has 3"), "{three}");
    let loss = step("network = { loss = 1.5 }");
    assert!(
        loss.contains("line 3") && loss.contains("between 0 and 1"),
        "{loss}"
    );
    let rate = step("drift = { node = \"all\", rate = 0 }");
    assert!(rate.contains("clock rate 0"), "{rate}");
    let churn = step("churn = { for_ms = 10, every_ms = 0 }");
    assert!(churn.contains("every_ms"), "{churn}");
    let negative = step("after_ms = -1\ncrash = \"leader\"");
    assert!(
        negative.contains("line 4") && negative.contains("milliseconds"),
        "{negative}"
    );
    assert!(wrong("summary = \"y\"").contains("name"));
    assert!(wrong("name = \"a b\"\nsummary = \"y\"").contains("one word"));
    assert!(wrong("name = \"../b\"\nsummary = \"y\"").contains("one word"));
    assert!(wrong("name = ").contains("line 1"));
}

// A message fault without effect, or with contradicting effects, is a mistake. The error must name
// the line and the reason.
#[test]
fn invalid_message_faults_are_reported_with_line_and_reason() {
    let step = |body: &str| {
        let error = wrong(&format!(
            "name = \"x\"\nsummary = \"y\"\n\n[[step]]\nmessages = {{ {body} }}\n"
        ));
        assert!(
            error.contains("line 4") || error.contains("line 5"),
            "{error}"
        );
        error
    };
    assert!(step("kind = \"Vote\"").contains("delay_ms, lose or duplicate"));
    assert!(step("lose = true, delay_ms = 5").contains("cannot be late or duplicated"));
    assert!(step("lose = true, chance = 0").contains("above 0, and at most 1"));
    assert!(step("lose = true, chance = nan").contains("above 0, and at most 1"));
    assert!(step("lose = true, times = 0").contains("times = 0"));
    assert!(step("delay_ms = 1e9").contains("delay_ms is over a day"));
    assert!(step("lose = true, purpose = \"elections\"").contains("liveness"));
    assert!(step("lose = true, from = \"leeder\"").contains("minority-with-leader"));
    assert!(step("loose = true").contains("loose"));
}

// Users also write compositions (sets of kinds of faults) by hand, in files and in names of
// scenarios. The error for a misspelled kind of fault must suggest the right name.
#[test]
fn errors_for_unknown_ingredients_suggest_the_most_similar_one() {
    let head = "name = \"x\"\nsummary = \"y\"\n\n[[step]]\n";
    let error = wrong(&format!(
        "{head}compose = {{ for_ms = 1, of = [\"crsh\"] }}\n"
    ));
    assert!(
        error.contains("line 5") && error.contains("\"crash\""),
        "{error}"
    );
    let error = wrong(&format!("{head}compose = {{ for_ms = 1e9 }}\n"));
    assert!(
        error.contains("line 4") && error.contains("over a day"),
        "{error}"
    );
    let name = |name: &str| Scenario::named(name).expect_err(name).to_string();
    assert!(name("random:crash+trnsfer").contains("did you mean \"transfer\""));
    assert!(name("random:").contains("late-message"));
    assert!(name("randm:crash").contains("did you mean \"random\""));
    let given = Scenario::named("random:drift+crash").expect("both are ingredients");
    assert_eq!(given.name, "random:crash+drift");
}

// Users write a change of the members with selectors. The error for each mistake must name the line
// and say what to do.
#[test]
fn wrong_changes_of_the_members_are_reported_with_line_and_reason() {
    let step = |body: &str| {
        let error = wrong(&format!(
            "name = \"x\"\nsummary = \"y\"\n\n[[step]]\nmembers = {body}\n"
        ));
        assert!(
            error.contains("line 4") || error.contains("line 5"),
            "{error}"
        );
        error
    };
    assert!(step("{ goal = [] }").contains("at least one selector for goal"));
    assert!(step("{ without = \"leader\" }").contains("missing field `goal`"));
    assert!(step("{ goal = \"leeder\" }").contains("minority-with-leader"));
    assert!(step("{ goal = [\"all\", \"leeder\"] }").contains("minority-with-leader"));
    assert!(step("{ goal = 3 }").contains("a selector such as \"all\", or a list of selectors"));
    assert!(step("{ gaol = \"all\" }").contains("unknown field `gaol`"));
    assert!(step("\"all\"").contains("ChangeMembers"));
    let spares = wrong("name = \"x\"\nsummary = \"y\"\nspares = 2000");
    assert!(spares.contains("at most 1000 are allowed"), "{spares}");
    let group = Scenario::named("members").expect_err("a group").to_string();
    assert!(group.contains("replace-dead, grow"), "{group}");
}

// A mistake in a number must be an error. It must not cause a run that never ends, or a silent
// change of meaning.
#[test]
fn absurd_numbers_are_rejected() {
    let step = |body: &str| {
        let error = wrong(&format!(
            "name = \"x\"\nsummary = \"y\"\n[[step]]\n{body}\n"
        ));
        assert!(error.contains("mine.toml: line 3: step 1"), "{error}");
        error
    };
    assert!(step("heal = true\nafter_ms = 1e16").contains("after_ms is over a day"));
    assert!(step("heal = true\nevery_ms = 86400001").contains("every_ms is over a day"));
    assert!(step("heal = true\ntimes = 1000000001").contains("at most 1000000 are allowed"));
    assert!(step("churn = { for_ms = 1e19, every_ms = 1 }").contains("for_ms is over a day"));
    assert!(step("stall = { node = \"all\", for_ms = 1e9 }").contains("for_ms is over a day"));
    let rolling = "rolling_restart = { down_ms = 1, gap_ms = 1e9 }";
    assert!(step(rolling).contains("gap_ms is over a day"));
    assert!(step("network = { loss = nan }").contains("between 0 and 1"));
    let crossed = "network = { latency = { uniform_ms = { min_ms = 2, max_ms = 1 } } }";
    assert!(step(crossed).contains("min_ms is above max_ms"));
    let slow = "disk = { write = { exponential_ms = { min_ms = 0, mean_ms = 1e9 } } }";
    assert!(step(slow).contains("latency is over a day"));
    let whole = wrong("name = \"x\"\nsummary = \"y\"\nconverge_ms = 1e16");
    assert!(whole.contains("converge_ms is over a day"), "{whole}");
}

// The error for a name that is nearly right must suggest the right one.
#[test]
fn errors_for_unknown_scenarios_suggest_the_most_similar_one() {
    let near = Scenario::named("leader-crsh")
        .expect_err("no such scenario")
        .to_string();
    assert!(near.contains("did you mean \"leader-crash\""), "{near}");
    let far = Scenario::named("zzz")
        .expect_err("no such scenario")
        .to_string();
    assert!(far.contains("elector scenarios"), "{far}");
}

// The error for a missing file must name the file and the reason of the operating system.
#[test]
fn the_error_for_an_unreadable_file_names_it() {
    let error = Scenario::read(Path::new("no/such/file.toml")).expect_err("no such file exists");
    assert!(matches!(error, ScenarioError::Read { .. }));
    assert!(error.to_string().contains("no/such/file.toml"));
}

// Users copy the examples of the guide: each must be a scenario, or steps of a scenario.
#[test]
fn every_example_of_the_guide_parses() {
    let head = "name = \"x\"\nsummary = \"y\"\n";
    let blocks = GUIDE.split("```toml\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let blocks = blocks.map(|block| match block.contains("name = ") {
        true => block.to_owned(),
        false => format!("{head}{block}"),
    });
    let actions = listed("after_ms = 5", "the actions are: ", "\n");
    let is_action = |text: &&str| {
        let key = text.split(" = ").next().unwrap_or_default();
        key != *text && actions.iter().any(|action| action == key)
    };
    let inline = GUIDE.split('`').skip(1).step_by(2).filter(is_action);
    let steps = inline.map(|text| format!("{head}[[step]]\n{text}\n"));
    let examples: Vec<String> = blocks.chain(steps).collect();
    assert!(examples.len() >= 30, "{} examples", examples.len());
    for example in examples {
        match Scenario::parse(&example, "scenarios.md") {
            Ok(scenario) => assert!(!scenario.steps.is_empty(), "{example}"),
            Err(error) => panic!("{error}\n{example}"),
        }
    }
}

// Users do not find an action, a selector or an ingredient (a kind of fault) that the guide does
// not name.
#[test]
fn the_guide_names_every_action_selector_and_ingredient() {
    let actions = listed("after_ms = 5", "the actions are: ", "\n");
    assert!(actions.len() >= 25, "{actions:?}");
    for action in actions {
        let named = [format!("`{action} ="), format!("`{action}`")];
        assert!(named.iter().any(|it| GUIDE.contains(it)), "{action}");
    }
    let selectors = listed("crash = \"x\"", "use one of ", ", \"");
    assert!(selectors.len() >= 12, "{selectors:?}");
    for selector in selectors {
        assert!(GUIDE.contains(&format!("`\"{selector}\"`")), "{selector}");
    }
    for scenario in Scenario::changing_members().expect("they are valid") {
        let named = format!("| `{}` |", scenario.name);
        assert!(GUIDE.contains(&named), "{named}");
    }
    for (ingredient, _) in Ingredient::ALL {
        assert!(GUIDE.contains(&format!("`{ingredient}`")), "{ingredient}");
    }
}

/// Returns the names that the error for this wrong step lists between two texts.
fn listed(step: &str, before: &str, after: &str) -> Vec<String> {
    let error = wrong(&format!(
        "name = \"x\"\nsummary = \"y\"\n[[step]]\n{step}\n"
    ));
    let (_, list) = error.split_once(before).expect("the error lists names");
    let list = list.split(after).next().unwrap_or_default();
    list.split(", ")
        .map(|name| name.trim().to_owned())
        .collect()
}
