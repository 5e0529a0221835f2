//! Tests of the tables, the files and the report of a comparison.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Folder, SMALL, stdout_of};

pub(super) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut files: Vec<_> = entries
        .map(|path| (name(&path), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

// Readers of a published comparison must be able to run it again and get the same bytes.
#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let folder = Folder::new("deterministic");
    let run = |jobs: u8| {
        let out = folder.0.join(jobs.to_string());
        let stdout = stdout_of(&format!(
            "compare {SMALL} --jobs {jobs} --out {}",
            out.display()
        ));
        (stdout, files(&out))
    };
    let (one, two) = (run(1), run(2));
    let names: Vec<&str> = one.1.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "elections.csv",
            "manifest.json",
            "report.html",
            "summary.csv"
        ]
    );
    assert!(one == two);
    for format in ["json", "csv"] {
        let run = |jobs: u8| stdout_of(&format!("compare {SMALL} --jobs {jobs} --format {format}"));
        assert_eq!(run(1), run(2));
        assert_ne!(
            run(1),
            stdout_of(&format!("compare {SMALL} --seed 9 --format {format}"))
        );
    }
}

// Files with other names in the output folder belong to the user, and must stay.
#[test]
fn only_our_own_files_are_overwritten() {
    let folder = Folder::new("overwrite");
    let mine = folder.file("notes.txt", "mine");
    let old = folder.file("summary.csv", "old");
    stdout_of(&format!("compare {SMALL} --out {}", folder.0.display()));
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine");
    assert!(
        fs::read_to_string(old)
            .unwrap()
            .starts_with("algorithm,variant,")
    );
    assert_eq!(files(&folder.0).len(), 5);
}

// Scripts of users depend on the names of the fields in the JSON of a comparison.
#[test]
fn json_is_an_array_of_cells_with_the_documented_fields() {
    let cells: Value =
        serde_json::from_str(&stdout_of(&format!("compare {SMALL} --format json"))).unwrap();
    let cells = cells.as_array().unwrap();
    let variants = stdout_of("algorithms")
        .lines()
        .filter(|line| line.starts_with("  raft/"))
        .count();
    assert_eq!(cells.len(), variants * 2 * 2);
    for cell in cells {
        for field in [
            "algorithm",
            "variant",
            "guarantee",
            "nodes",
            "scenario",
            "runs",
            "elected_runs",
            "messages_mean",
            "messages_max",
            "bytes_mean",
            "elect_ms_p50",
            "elect_ms_p99",
            "leaderless_ms_mean",
            "split_brain_ms_mean",
            "split_brain_runs",
            "leader_changes_mean",
            "violations",
            "steady_messages_per_s",
        ] {
            assert!(cell.get(field).is_some(), "{field} in {cell}");
        }
        assert_eq!((&cell["runs"], &cell["violations"]), (&2.into(), &0.into()));
        assert_eq!(cell["guarantee"], "quorum");
    }
}

// For a spreadsheet, a CSV file needs one header and rows of the same length. `elections.csv` must
// have one row per election.
#[test]
fn csv_files_have_a_row_for_every_cell_and_election() {
    let folder = Folder::new("csv");
    stdout_of(&format!("compare {SMALL} --out {}", folder.0.display()));
    let summary = fs::read_to_string(folder.0.join("summary.csv")).unwrap();
    assert_eq!(summary, stdout_of(&format!("compare {SMALL} --format csv")));
    let elections = fs::read_to_string(folder.0.join("elections.csv")).unwrap();
    for text in [&summary, &elections] {
        let columns: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert!(columns.iter().all(|count| *count == columns[0]), "{text}");
    }
    let mut reader = csv::Reader::from_reader(summary.as_bytes());
    let place = reader
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "elections")
        .unwrap();
    let counts = reader
        .records()
        .map(|row| row.unwrap()[place].parse::<usize>().unwrap());
    assert_eq!(elections.lines().count() - 1, counts.sum::<usize>());
}

// The manifest must be enough to repeat the comparison: the command in it must give the same table.
#[test]
fn the_command_in_the_manifest_gives_the_same_rows() {
    let folder = Folder::new("manifest");
    let out = folder.0.join("out");
    stdout_of(&format!("compare {SMALL} --seed 5 --out {}", out.display()));
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!(
        manifest["seeds"],
        serde_json::json!({ "first": 5, "last": 6 })
    );
    assert_eq!(manifest["elector"], env!("CARGO_PKG_VERSION"));
    let build = &manifest["build"];
    for field in ["commit", "rustc", "target"] {
        assert!(!build[field].as_str().unwrap().is_empty(), "{build}");
    }
    assert!(["debug", "release"].contains(&build["profile"].as_str().unwrap()));
    assert_eq!(manifest["scenarios"][0], "leader-crash");
    assert_eq!(manifest["files"].as_object().unwrap().len(), 3);
    let command = manifest["command"].as_str().unwrap();
    let arguments = command.strip_prefix("elector ").unwrap();
    let again = stdout_of(&format!("{arguments} --format csv"));
    assert_eq!(again, fs::read_to_string(out.join("summary.csv")).unwrap());
}

// In a random scenario, each seed draws a composition of faults. The names of the compositions in
// the output must lead to the same runs again.
#[test]
fn random_scenarios_are_compared_like_all_others() {
    let folder = Folder::new("random");
    let common = "compare --algorithms raft/plain,bully/preempt --nodes 3 --runs 3";
    let both = "random,random:pause+crash";
    let run = |jobs: u8| {
        let out = folder.0.join(jobs.to_string());
        let out = out.display();
        let stdout = stdout_of(&format!(
            "{common} --scenarios {both} --jobs {jobs} --out {out}"
        ));
        (stdout, files(&folder.0.join(jobs.to_string())))
    };
    let (one, two) = (run(1), run(2));
    assert!(one == two);
    let csv = stdout_of(&format!("{common} --scenarios {both} --format csv"));
    assert!(csv.contains(",random,") && csv.contains(",random:crash+pause,"));
    let file = |name: &str| {
        let found = one.1.iter().find(|(known, _)| known == name);
        String::from_utf8(found.unwrap().1.clone()).unwrap()
    };
    assert_eq!(file("summary.csv"), csv);
    assert!(file("manifest.json").contains("random:crash+pause"));
    // In some of these runs two nodes lead under Bully, and the report draws these runs.
    assert!(file("report.html").contains("--scenario random:"));
}

// The overview replaces a table of hundreds of rows, and must fit a terminal of 100 columns.
#[test]
fn the_overview_fits_a_terminal() {
    let text = stdout_of("compare --runs 1");
    for part in [
        "Results.",
        "Time to elect",
        "Messages of the first",
        "--format csv",
        "--out",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let wide = text.lines().filter(|line| line.chars().count() > 100);
    assert_eq!(wide.collect::<Vec<_>>(), [""; 0]);
}

// If a scenario changes the members and the members of an algorithm are fixed, the algorithm must
// have no figures for this scenario: any figure, also a zero, would be wrong.
#[test]
fn fixed_members_have_no_figures_in_scenarios_that_change_them() {
    let folder = Folder::new("members");
    let out = folder.0.display();
    let text = stdout_of(&format!(
        "compare --scenarios members,leader-crash --runs 1 --out {out}"
    ));
    let wide = text.lines().filter(|line| line.chars().count() > 100);
    assert_eq!(wide.collect::<Vec<_>>(), [""; 0]);
    let changes = text.split("Changes of the members").nth(1).unwrap();
    let rows = |name: &str| {
        let lines = changes.lines().filter(|line| line.starts_with(name));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    // Each figure has one table, which is split into two: the first has Raft and Paxos, and the
    // second has Bully and Ring.
    let rows = rows("grow");
    let fixed: Vec<bool> = rows.iter().map(|row| row.contains('–')).collect();
    assert!(fixed.contains(&true) && fixed.contains(&false), "{rows:?}");
    for row in rows.iter().filter(|row| row.contains('–')) {
        assert!(
            row.split_whitespace().skip(1).any(|cell| cell == "–"),
            "{row}"
        );
    }
    let csv = fs::read_to_string(folder.0.join("summary.csv")).unwrap();
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (algorithm, scenario) = (column("algorithm"), column("scenario"));
    let (changed, runs) = (column("changed_runs"), column("runs"));
    for row in reader.records().map(Result::unwrap) {
        if &row[scenario] == "leader-crash" {
            assert_eq!(&row[changed], "", "{row:?}");
        } else {
            assert!(["raft", "paxos"].contains(&&row[algorithm]), "{row:?}");
            assert_eq!(row[changed], row[runs], "{row:?}");
        }
    }
    let page = fs::read_to_string(folder.0.join("report.html")).unwrap();
    assert!(page.contains("id=\"changes\"") && page.contains("the members are fixed"));
}

// The page must not need other files, because users send it by mail, and open it years later.
#[test]
fn the_report_needs_no_other_files() {
    let folder = Folder::new("report");
    stdout_of(&format!(
        "compare --algorithms raft,bully --nodes 3,5 --scenarios leader-crash,minority-leader \
         --runs 2 --out {}",
        folder.0.display()
    ));
    let page = fs::read_to_string(folder.0.join("report.html")).unwrap();
    for external in ["<script", "<link", "<img", "src=", "@import"] {
        assert!(!page.contains(external), "{external}");
    }
    for part in [
        "prefers-color-scheme: dark",
        "Two leaders at the same time in",
        "Never two leaders of one epoch",
        "bully/preempt",
        "simulate --algorithm bully --variant preempt --scenario minority-leader --nodes 5",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for diagram in ["id=\"verdicts\"", "class=\"chart\"", "id=\"worst\""] {
        assert!(page.contains(diagram), "{diagram}");
    }
}
