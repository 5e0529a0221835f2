//! Tests of `elector compare --shard`, which runs one of several parts (shards) of a comparison,
//! and of `elector merge`, which makes one comparison of the parts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use super::{Folder, command, elector, results::files, runs::TOO_STRICT, stdout_of, usage_error};

/// The settings of a comparison that covers the special cases: two algorithms, random faults,
/// changes of the members (which one of the algorithms skips), and sizes that some scenarios skip.
/// Each test adds the scenario [`TOO_STRICT`], in which runs violate an invariant.
const SETTINGS: &str = "--algorithms raft/plain,bully --nodes 1,2,3,4 \
                        --scenarios leader-crash,minority-leader,random,grow --runs 5 --seed 7";

/// The folder of a test, and the file in it with the scenario [`TOO_STRICT`].
struct Parts {
    folder: Folder,
    own: PathBuf,
}

impl Parts {
    fn new(test: &str) -> Self {
        let folder = Folder::new(test);
        let own = folder.file("strict.toml", TOO_STRICT);
        Self { folder, own }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Runs the comparison with these options. Runs of the scenario [`TOO_STRICT`] violate an
    /// invariant, so the exit code is 1, unless the shard (the part of the comparison that is run)
    /// has none of these runs.
    fn compare(&self, options: &[&str], out: &Path) -> Output {
        let mut compare = command();
        compare
            .arg("compare")
            .args(SETTINGS.split_whitespace())
            .args(options)
            .args(["--scenario-file".as_ref(), self.own.as_os_str()])
            .args(["--out".as_ref(), out.as_os_str()]);
        let output = compare.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{options:?}: {error}"
        );
        output
    }

    /// Runs the comparison in `count` shards (parts), and returns the folders of the shards.
    fn run(&self, count: usize) -> Vec<PathBuf> {
        let shards = (1..=count).map(|number| {
            let out = self.path(&format!("{number}-of-{count}"));
            self.compare(&["--shard", &format!("{number}/{count}")], &out);
            out
        });
        shards.collect()
    }
}

fn merge(shards: &[PathBuf], out: &Path, options: &[&str]) -> Output {
    let mut merge = command();
    merge
        .arg("merge")
        .args(options)
        .arg("--out")
        .arg(out)
        .args(shards);
    merge.output().unwrap()
}

fn merge_error(shards: &[PathBuf], out: &Path) -> String {
    let output = merge(shards, out, &[]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(output.stdout.is_empty());
    assert!(!out.exists(), "nothing is written after an error");
    error
}

// This is the purpose of shards, which are parts of a comparison for several machines: no output
// may show that the comparison was run in several parts.
#[test]
fn merged_shards_are_the_single_comparison_byte_for_byte() {
    let parts = Parts::new("shards");
    let single_out = parts.path("single");
    let single = parts.compare(&[], &single_out);
    assert_eq!(single.status.code(), Some(1));
    let expected = files(&single_out);
    assert_eq!(expected.len(), 4);
    for count in [2, 3, 7] {
        let mut shards = parts.run(count);
        // The order in which the folders are given must not matter.
        shards.reverse();
        shards.swap(0, count / 2);
        // The tables contain the path of the output folder, so the merge must write to the same
        // path.
        let aside = parts.path("aside");
        fs::rename(&single_out, &aside).unwrap();
        let merged = merge(&shards, &single_out, &[]);
        assert_eq!(merged.status.code(), Some(1));
        // If the program was built from changed sources, `merge` prints a note.
        let error = String::from_utf8_lossy(&merged.stderr);
        assert!(error.is_empty() || error.starts_with("note: "), "{error}");
        assert!(merged.stdout == single.stdout, "{count} shards");
        assert!(files(&single_out) == expected, "{count} shards");
        fs::remove_dir_all(&single_out).unwrap();
        fs::rename(&aside, &single_out).unwrap();
        for format in ["json", "csv"] {
            let out = parts.path("formatted");
            let mut compare = command();
            compare
                .arg("compare")
                .args(SETTINGS.split_whitespace())
                .args(["--format", format, "--scenario-file"])
                .arg(&parts.own);
            let formatted = compare.output().unwrap();
            assert!(formatted.stdout == merge(&shards, &out, &["--format", format]).stdout);
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

// `elector verify` must accept the folder of a merged comparison and the folder of one shard
// (part), and must find a change in the file of a shard.
#[test]
fn shards_and_merged_folders_are_verified() {
    let parts = Parts::new("shards-verified");
    let shards = parts.run(2);
    let out = parts.path("merged");
    merge(&shards, &out, &[]);
    stdout_of(&format!("verify {}", out.display()));
    let shown = shards[1].display();
    let output = stdout_of(&format!("verify {shown}"));
    assert!(output.starts_with("runs.bin       same"), "{output}");
    let runs = shards[1].join("runs.bin");
    let mut bytes = fs::read(&runs).unwrap();
    // The last byte belongs to the fingerprint of the last run, which is a hash of everything that
    // happened in the run.
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&runs, bytes).unwrap();
    assert_eq!(elector(&format!("verify {shown}")).status.code(), Some(1));
    let output = elector(&format!("verify {shown} --run always"));
    let output = String::from_utf8(output.stdout).unwrap();
    let expected = "changed after it was written: the run of bully/";
    assert!(
        output.contains(expected) && output.contains(", seed "),
        "{output}"
    );
}

// The user who runs one shard (part) of a comparison must see its violations, and how to merge the
// shards.
#[test]
fn a_shard_prints_its_runs_and_its_violations() {
    let parts = Parts::new("shard-prints");
    let out = parts.path("one");
    let output = parts.compare(&["--shard", "1/2"], &out);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "Shard 1/2: ",
        " runs are in ",
        "elector merge --out OUT DIR",
        "raft/plain violates agreement in too-strict with 3 nodes, seed ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let names: Vec<String> = files(&out).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["manifest.json", "runs.bin"]);
}

// The same shard (part) of a comparison must give the same bytes on every machine, with any number
// of threads.
#[test]
fn a_shard_does_not_depend_on_the_number_of_threads() {
    let parts = Parts::new("shard-threads");
    let run = |jobs: &str| {
        let out = parts.path(jobs);
        parts.compare(&["--shard", "2/3", "--jobs", jobs], &out);
        files(&out)
    };
    assert!(run("1") == run("3"));
}

// Figures from fewer or other runs look like valid figures, so every mistake in the list of shards
// (the parts of a comparison) to merge must be an error.
#[test]
fn shards_that_do_not_belong_together_are_rejected() {
    let parts = Parts::new("shards-rejected");
    let shards = parts.run(3);
    let out = parts.path("merged");
    let error = merge_error(&shards[..2], &out);
    assert!(error.contains("shards are missing: 3 of 3"), "{error}");
    let twice = [&shards[..], &shards[..1]].concat();
    let error = merge_error(&twice, &out);
    assert!(error.contains("are both shard 1/3"), "{error}");
    let other = parts.path("other");
    for (options, what) in [
        (&["--shard", "3/3", "--runs", "6"][..], "`runs` differs"),
        (&["--shard", "3/3", "--seed", "8"], "`seeds` differs"),
        (&["--shard", "3/3", "--nodes", "1,2,3"], "`nodes` differs"),
        (
            &["--shard", "3/3", "--algorithms", "raft"],
            "`algorithms` differs",
        ),
        (
            &["--shard", "3/3", "--scenarios", "boot"],
            "`scenarios` differs",
        ),
        (&["--shard", "3/4"], "`number of shards` differs"),
    ] {
        let mut compare = command();
        let settings = SETTINGS.split_whitespace().collect::<Vec<_>>();
        let replaced = options
            .get(2)
            .and_then(|name| settings.iter().position(|it| it == name));
        let kept = settings.iter().enumerate();
        let kept =
            kept.filter(|(at, _)| replaced.is_none_or(|place| *at != place && *at != place + 1));
        compare
            .arg("compare")
            .args(kept.map(|(_, word)| word))
            .args(options)
            .args(["--scenario-file".as_ref(), parts.own.as_os_str()])
            .args(["--out".as_ref(), other.as_os_str()])
            // If cargo has started the program, it prints a note after a violation.
            .env_remove("CARGO");
        assert!(compare.output().unwrap().stderr.is_empty());
        let mixed = [shards[0].clone(), shards[1].clone(), other.clone()];
        let error = merge_error(&mixed, &out);
        assert!(error.contains(what), "{what}: {error}");
    }
}

// A file that was changed or cut off while it was copied must not be used for figures.
#[test]
fn damaged_shards_are_rejected() {
    let parts = Parts::new("shards-damaged");
    let shards = parts.run(2);
    let out = parts.path("merged");
    let (runs, manifest) = (shards[1].join("runs.bin"), shards[1].join("manifest.json"));
    let (good, good_manifest) = (
        fs::read(&runs).unwrap(),
        fs::read_to_string(&manifest).unwrap(),
    );
    let mut changed = good.clone();
    changed[good.len() / 2] ^= 1;
    for bytes in [&changed[..], &good[..good.len() - 1], &[]] {
        fs::write(&runs, bytes).unwrap();
        let error = merge_error(&shards, &out);
        assert!(
            error.contains("runs.bin is damaged: its SHA-256"),
            "{error}"
        );
    }
    fs::remove_file(&runs).unwrap();
    let error = merge_error(&shards, &out);
    assert!(error.contains("runs.bin is missing"), "{error}");
    // Now the folder has the runs of the first shard (part of the comparison), but the number of
    // the second.
    let first = shards[0].join("runs.bin");
    fs::copy(first, &runs).unwrap();
    let first = fs::read_to_string(shards[0].join("manifest.json")).unwrap();
    fs::write(&manifest, first.replace("\"number\": 1", "\"number\": 2")).unwrap();
    let error = merge_error(&shards, &out);
    assert!(error.contains("exactly once"), "{error}");
    fs::write(&runs, &good).unwrap();
    let build = good_manifest.replace("\"commit\": \"", "\"commit\": \"0");
    fs::write(&manifest, build).unwrap();
    let error = merge_error(&shards, &out);
    assert!(error.contains("`build` differs"), "{error}");
    fs::write(
        &manifest,
        good_manifest.replace("\"count\": 2", "\"count\": 1"),
    )
    .unwrap();
    let error = merge_error(&shards, &out);
    assert!(
        error.contains("number of the shard is out of range"),
        "{error}"
    );
    fs::remove_file(&manifest).unwrap();
    let error = merge_error(&shards, &out);
    assert!(error.contains("has no manifest.json"), "{error}");
}

// The program that merges shards (the parts of a comparison) must be the program that has run them:
// another program could draw other diagrams in the report.
#[test]
fn shards_of_another_program_are_rejected() {
    let parts = Parts::new("shards-build");
    let shards = parts.run(2);
    for shard in &shards {
        let path = shard.join("manifest.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text.replace("\"commit\": \"", "\"commit\": \"0")).unwrap();
    }
    let error = merge_error(&shards, &parts.path("merged"));
    assert!(
        error.contains("was run by another program: commit 0"),
        "{error}"
    );
}

// `elector merge` must not write into the folder of a shard (part of the comparison): the manifest
// of the merged comparison would overwrite the manifest of the shard.
#[test]
fn the_output_must_be_another_folder() {
    let parts = Parts::new("shards-out");
    let shards = parts.run(2);
    let output = merge(&shards, &shards[0], &[]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("is the folder of a shard"), "{error}");
    let single = parts.path("single");
    parts.compare(&[], &single);
    let error = merge_error(&[single], &parts.path("merged"));
    assert!(error.contains("is not a shard"), "{error}");
}

// If a comparison has more shards (parts) than runs, one shard has no run, and its machine would do
// nothing. This must be an error.
#[test]
fn more_shards_than_runs_are_rejected() {
    let folder = Folder::new("shards-empty");
    let small = "compare --algorithms raft/plain --nodes 3 --scenarios boot --runs 4";
    let out = folder.0.join("out");
    let error = usage_error(&format!("{small} --shard 1/5 --out {}", out.display()));
    assert!(error.contains("use at most 4 shards"), "{error}");
    stdout_of(&format!("{small} --shard 4/4 --out {}", out.display()));
}
