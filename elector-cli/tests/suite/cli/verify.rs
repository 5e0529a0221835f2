//! Tests of `elector verify`, which runs the comparison in a folder again from its manifest.

use std::{fs, path::Path, process::Output};

use serde_json::Value;

use super::{Folder, SMALL, command, results::files, runs::TOO_STRICT, stdout_of, usage_error};

fn verify(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut verify = command();
    let Output {
        status,
        stdout,
        stderr,
    } = verify
        .arg("verify")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Compares Raft in a scenario from a file, in which each run has a violation.
fn compare_too_strict(file: &Path, options: &str, out: &Path) {
    let mut compare = command();
    compare
        .args(["compare", "--algorithms", "raft/plain"])
        .args(options.split(' '))
        .args(["--scenario-file".as_ref(), file.as_os_str()])
        .args(["--out".as_ref(), out.as_os_str()]);
    assert_eq!(compare.output().unwrap().status.code(), Some(1));
}

/// Returns the line of the output about a file.
fn line<'a>(output: &'a str, file: &str) -> &'a str {
    let found = output.lines().find(|line| line.starts_with(file));
    found.unwrap_or_else(|| panic!("no line about {file}: {output}"))
}

/// Changes the manifest of a folder.
fn edit(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("manifest.json");
    let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    fs::write(path, manifest.to_string()).unwrap();
}

/// Replaces the first occurrence of a text in a file.
fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// Changes the last digit of a file.
fn change_a_digit(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.iter().rposition(u8::is_ascii_digit).unwrap();
    bytes[at] = if bytes[at] == b'7' { b'8' } else { b'7' };
    fs::write(path, bytes).unwrap();
}

fn compared(name: &str) -> Folder {
    let folder = Folder::new(name);
    stdout_of(&format!("compare {SMALL} --out {}", folder.0.display()));
    folder
}

// A published folder must be verified as unchanged on every machine, and `verify` must not change
// the folder.
#[test]
fn an_unchanged_folder_is_the_same() {
    let folder = compared("verify-same");
    let before = files(&folder.0);
    for arguments in [&["--jobs", "1"][..], &["--jobs", "3"], &["--run", "always"]] {
        let (code, output, error) = verify(&folder.0, arguments);
        assert_eq!(code, Some(0), "{output}{error}");
        for file in [
            "report.html",
            "summary.csv",
            "elections.csv",
            "manifest.json",
        ] {
            assert!(line(&output, file).ends_with(" same"), "{output}");
        }
        assert_eq!(error, "");
    }
    let (code, output, _) = verify(&folder.0, &["--run", "never"]);
    assert_eq!(code, Some(0));
    assert_eq!(output.matches("unchanged since it was written").count(), 3);
    assert!(files(&folder.0) == before);
}

// `verify` must find one changed figure, without and with a new run. With a new run, it must name
// the line and the column of the figure.
#[test]
fn a_changed_digit_is_found_in_each_file() {
    let folder = compared("verify-changed");
    for (file, place) in [
        ("report.html", "line "),
        ("summary.csv", "column worst_seed (algorithm raft,"),
        ("elections.csv", "column bytes (algorithm raft,"),
    ] {
        let path = folder.0.join(file);
        let good = fs::read(&path).unwrap();
        change_a_digit(&path);
        for arguments in [&[][..], &["--run", "never"]] {
            let (code, output, _) = verify(&folder.0, arguments);
            assert_eq!(code, Some(1), "{output}");
            let line = line(&output, file);
            assert!(
                line.contains("changed after it was written: its SHA-256"),
                "{line}"
            );
            assert_eq!(output.matches("unchanged since").count(), 2, "{output}");
            assert_eq!(output.contains("Nothing was run."), arguments.is_empty());
        }
        let (code, output, _) = verify(&folder.0, &["--run", "always"]);
        assert_eq!(code, Some(1), "{output}");
        let line = line(&output, file);
        assert!(
            line.contains("changed after it was written: line "),
            "{line}"
        );
        assert!(
            line.contains(place) && line.contains("a new run gives"),
            "{line}"
        );
        let same = output.lines().filter(|line| line.ends_with(" same"));
        assert_eq!(same.count(), 3, "{output}");
        fs::write(&path, good).unwrap();
    }
}

// `verify` must also find a changed manifest, because the files then belong to other settings.
#[test]
fn a_changed_manifest_is_found() {
    let folder = compared("verify-manifest");
    let path = folder.0.join("manifest.json");
    let good = fs::read(&path).unwrap();
    for (from, to, expected, file) in [
        (
            "\"sha256\": \"",
            "\"sha256\": \"0",
            "changed after it was written",
            "",
        ),
        ("--seed 1\"", "--seed 2\"", "differs: line ", "report.html"),
        (
            "\"first\": 1,\n    \"last\": 2",
            "\"first\": 2,\n    \"last\": 3",
            "differs: line ",
            "summary.csv",
        ),
        (
            "\"heartbeat_ms\": 50",
            "\"heartbeat_ms\": 51",
            "differs: `algorithms`",
            "manifest.json",
        ),
    ] {
        replace(&path, from, to);
        let (code, output, error) = verify(&folder.0, &[]);
        assert_eq!(code, Some(1), "{from}: {output}{error}");
        assert!(
            output
                .lines()
                .any(|line| line.starts_with(file) && line.contains(expected)),
            "{from}: {output}"
        );
        fs::write(&path, &good).unwrap();
    }
}

// If another build wrote the folder, this can be a reason for differences, but is no difference
// itself.
#[test]
fn another_commit_is_a_note() {
    let folder = compared("verify-commit");
    edit(&folder.0, |manifest| {
        manifest["build"]["commit"] = "0123456789".into();
        manifest["build"]["rustc"] = "rustc 1.0.0".into();
    });
    let (code, output, error) = verify(&folder.0, &[]);
    assert_eq!(code, Some(0), "{output}{error}");
    assert!(
        error.starts_with("note: the folder was written by commit 0123456789"),
        "{error}"
    );
    assert_eq!(output.matches(" same").count(), 4, "{output}");
}

// The file of a user's scenario can change or disappear after the comparison, so `verify` must use
// the text in the manifest.
#[test]
fn own_scenarios_come_from_the_manifest() {
    let folder = Folder::new("verify-own");
    let file = folder.file("strict.toml", TOO_STRICT);
    let out = folder.0.join("out");
    compare_too_strict(&file, "--nodes 3 --runs 2", &out);
    fs::remove_file(&file).unwrap();
    let (code, output, error) = verify(&out, &[]);
    // The violations are in the folder, too, so they are no difference.
    assert_eq!(code, Some(0), "{output}{error}");
    edit(&out, |manifest| {
        let text = manifest["scenario_files"][0]["text"].as_str().unwrap();
        manifest["scenario_files"][0]["text"] =
            text.replace("converge_ms = 0", "converge_ms = 9").into();
    });
    assert_eq!(verify(&out, &[]).0, Some(1));
    edit(&out, |manifest| {
        manifest["scenario_files"][0]["text"] = "name = 1".into();
    });
    let (code, _, error) = verify(&out, &[]);
    assert_eq!(code, Some(2));
    assert!(
        error.contains("manifest.json: ") && error.contains("strict.toml"),
        "{error}"
    );
}

// The report must list the violations in a scenario from a file, each with a command that works.
#[test]
fn the_report_lists_violations_with_their_commands() {
    let folder = Folder::new("listed");
    let file = folder.file("strict.toml", TOO_STRICT);
    compare_too_strict(&file, "--nodes 3,4 --runs 1", &folder.0);
    let page = fs::read_to_string(folder.0.join("report.html")).unwrap();
    for nodes in [3, 4] {
        let title = format!(
            "violates agreement in too-strict with {nodes} nodes, seed 1 (2 violations in 1 run)"
        );
        assert!(page.contains(&title), "{title}");
        let replay = format!(
            "elector simulate --algorithm raft --variant plain --scenario-file {} --nodes {nodes} \
             --seed 1",
            file.display()
        );
        assert!(page.contains(&replay), "{replay}");
    }
}

type Change = fn(&mut Value);

/// Changes of a manifest, each with a part of the error that `verify` must print.
const CHANGES: [(Change, &str); 13] = [
    (
        |it| it["elector"] = "0.0.1".into(),
        "was written by elector 0.0.1",
    ),
    (
        |it| it["format"] = 2.into(),
        "in a format that this program",
    ),
    (|it| it["elector"] = Value::Null, "has no field `elector`"),
    (
        |it| it["algorithms"][0]["variant"] = "own".into(),
        "raft/own, which this program does",
    ),
    (
        |it| it["algorithms"][0]["algorithm"] = "mine".into(),
        "elector algorithms",
    ),
    (
        |it| it["scenarios"][0] = "leader-crush".into(),
        "no scenario \"leader-crush\"",
    ),
    (
        |it| it["scenarios"][0] = it["scenarios"][1].clone(),
        "names a scenario twice",
    ),
    (
        |it| it["algorithms"][0] = it["algorithms"][1].clone(),
        "names a variant twice",
    ),
    (
        |it| it["runs"] = 1_000_000_000_000_u64.into(),
        "`runs` must be from 1 to 1000000",
    ),
    (|it| it["nodes"] = vec![3, 3].into(), "`nodes` must ascend"),
    (|it| it["nodes"] = vec![3, 99_999].into(), "from 1 to 10000"),
    (
        |it| it["seeds"]["last"] = 9.into(),
        "`seeds` does not match `runs`",
    ),
    (
        |it| it["files"]["../../x"] = it["files"]["summary.csv"].clone(),
        "`files` must have",
    ),
];

// If a folder cannot be verified, `verify` must print an error that says what to do, and must not
// succeed.
#[test]
fn folders_that_cannot_be_verified_are_errors() {
    let folder = compared("verify-unusable");
    let path = folder.0.join("manifest.json");
    let good = fs::read_to_string(&path).unwrap();
    let shown = folder.0.display().to_string();
    for (change, reason) in CHANGES {
        edit(&folder.0, change);
        let error = usage_error(&format!("verify {shown}"));
        assert!(error.contains(reason), "{reason}: {error}");
        fs::write(&path, &good).unwrap();
    }
    for (text, reason) in [
        ("", "is damaged: EOF"),
        (&good[..good.len() / 2], "is damaged: EOF"),
        ("[]", "no field"),
    ] {
        fs::write(&path, text).unwrap();
        let error = usage_error(&format!("verify {shown}"));
        assert!(error.contains(reason), "{reason}: {error}");
    }
    fs::write(&path, &good).unwrap();
    fs::remove_file(folder.0.join("elections.csv")).unwrap();
    let error = usage_error(&format!("verify {shown}"));
    assert!(error.contains("elections.csv is missing"), "{error}");
    fs::remove_file(&path).unwrap();
    for place in [
        shown.clone(),
        format!("{shown}/absent"),
        format!("{shown}/summary.csv"),
    ] {
        let error = usage_error(&format!("verify {place}"));
        assert!(error.contains("has no manifest.json"), "{place}: {error}");
    }
}
