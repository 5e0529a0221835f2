//! Checks the pages of the guide: the page about settings must describe all settings, the page
//! about operation must describe all alerts, and the tutorial must show the whole example.

use std::time::Duration;

use elector_core::Timing;
use elector_net::Detection;
use toml::{Table, Value};

use super::{options_of, uncommented};

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const OPERATE: &str = include_str!("../../../docs/operate.md");
const TUTORIAL: &str = include_str!("../../../docs/write-your-own.md");
const EXAMPLE: &str = include_str!("../../../examples/my_algorithm.rs");
const ALERTS: &str = include_str!("../../../deploy/prometheus/elector.rules.yaml");

/// Returns the anchor that a renderer of Markdown gives to this heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns the anchors of all headings of a page.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| anchor(line.trim_start_matches('#')))
        .collect()
}

/// Returns the cells of the row, in a table of the page, whose first cell contains this key.
fn row<'a>(page: &'a str, key: &str) -> Vec<&'a str> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let mut cells = rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim));
    let named = format!("`{key}`");
    let found = cells.find(|cells| cells.clone().next().is_some_and(|key| key.contains(&named)));
    found
        .unwrap_or_else(|| panic!("there is no row for {named}"))
        .collect()
}

/// Checks a cell that contains the default of the setting `key`. If a default depends on other
/// settings, the cell describes it in words.
#[track_caller]
fn check_default(key: &str, cell: &str, value: &Value) {
    let Some(text) = cell
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'))
    else {
        let in_words = ["none", "required", "the own address in `peers`"];
        assert!(in_words.contains(&cell), "{key}: {cell:?} is no default");
        return;
    };
    let table: Table = format!("value = {text}").parse().unwrap();
    assert_eq!(table["value"], *value, "{key}");
}

// An operator looks for a setting first in the table of `docs/configuration.md`, so this table must
// have all settings, with their defaults. The sample file `deploy/elector.toml` has all settings,
// because another test compares it with the help.
#[test]
fn the_guide_has_every_setting_with_its_default() {
    let sample = uncommented();
    let of_node = sample.iter().filter(|(_, value)| !value.is_table());
    let mut settings: Vec<(String, Value)> = of_node
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for name in ["run", "timing", "detection"] {
        let table = sample[name].as_table().unwrap();
        settings.extend(
            table
                .iter()
                .map(|(key, value)| (format!("{name}.{key}"), value.clone())),
        );
    }
    assert!(settings.len() > 25, "{settings:?}");
    let anchors = anchors(CONFIGURATION);
    for (key, value) in settings {
        let cells = row(CONFIGURATION, &key);
        check_default(&key, cells[2], &value);
        let link = cells[0].split_once("](#").unwrap().1.trim_end_matches(')');
        assert!(anchors.iter().any(|one| one == link), "{key}: #{link}");
    }
}

#[test]
fn the_guide_has_every_option_with_its_default() {
    let raft = uncommented()["options"].as_table().unwrap().clone();
    for (algorithm, options) in [
        ("raft", raft),
        ("paxos", options_of("paxos")),
        ("bully", options_of("bully")),
        ("ring", options_of("ring")),
    ] {
        for (key, value) in options {
            let start = format!("| {algorithm} | `{key}` | ");
            let line = CONFIGURATION
                .lines()
                .find_map(|line| line.strip_prefix(&*start));
            let line = line.unwrap_or_else(|| panic!("there is no row {start}"));
            check_default(&key, line.split(" | ").next().unwrap(), &value);
        }
    }
}

#[test]
fn the_guide_has_the_durations_of_both_profiles() {
    let profiles = [
        (
            "default",
            Timing::patient(),
            Detection::of(&Timing::patient()),
        ),
        ("lan", Timing::lan(), Detection::lan()),
    ];
    for (name, timing, detection) in profiles {
        let ms = |duration: Duration| duration.as_millis().to_string();
        let between = |least, most| format!("{}–{}", ms(least), ms(most));
        let expected = [
            ms(timing.heartbeat),
            ms(timing.lease),
            between(timing.election_min, timing.election_max),
            ms(timing.round_trip),
            ms(detection.ping),
            between(detection.floor, detection.ceiling),
        ];
        let start = format!("| `{name}` | {} | ", expected.join(" | "));
        let has_row = CONFIGURATION.lines().any(|line| line.starts_with(&start));
        assert!(has_row, "there is no row {start}");
    }
}

// An alert links to a section of the page about operation. The section must exist, and a table on
// this page must contain the alert.
#[test]
fn the_guide_has_every_alert() {
    let mut count = 0;
    let anchors = anchors(OPERATE);
    for alert in ALERTS.split("- alert: ").skip(1) {
        let name = alert.lines().next().unwrap().trim();
        let of = |key: &str| {
            let mut lines = alert.lines().map(str::trim);
            let value = lines.find_map(|line| line.strip_prefix(key));
            value
                .unwrap_or_else(|| panic!("{name} has no {key}"))
                .trim()
        };
        let section = of("runbook: docs/operate.md#");
        assert!(
            anchors.iter().any(|one| one == section),
            "{name}: #{section}"
        );
        let cells = row(OPERATE, name);
        assert_eq!(cells[1], of("severity:"), "{name}");
        assert!(
            cells[3].ends_with(&format!("(#{section})")),
            "{name}: {cells:?}"
        );
        count += 1;
    }
    assert!(count > 15, "only {count} alerts were found");
}

// A reader copies the code blocks of the tutorial, so together they must be the program that is
// compiled and tested.
#[test]
fn the_guide_shows_the_example() {
    let blocks = TUTORIAL.split("\n```rust,ignore\n").skip(1);
    let shown = blocks.flat_map(|block| block.split("\n```").next().unwrap_or_default().lines());
    let code = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with("//!") && !line.contains(".started_by("))
        .map(|line| line.trim_start_matches("pub(crate) "));
    let shown: Vec<&str> = shown.filter(|line| !line.is_empty()).collect();
    let code: Vec<&str> = code.filter(|line| !line.is_empty()).collect();
    let differs = shown.iter().zip(&code).find(|(shown, code)| shown != code);
    assert_eq!(differs, None, "the page and the example differ");
    assert_eq!(shown.len(), code.len(), "a block is missing");
}
