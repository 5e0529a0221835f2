//! Puts faults into Raft, Paxos and the logs on top of them, one at a time, and looks for each
//! fault with walks (random runs of the model checker) and, if they do not find it, with a search
//! (of every order of events).
//!
//! ```text
//! cargo run --release -p elector-check --example mutants              # all
//! cargo run --release -p elector-check --example mutants -- silence   # names with this part
//! cargo run --release -p elector-check --example mutants -- silence paxos/thrifty
//! ```
//!
//! The list of the faults is `elector-check/mutants.toml`. It names the variants for each fault.
//! Each fault takes one build. Then walks look for the fault in each of its variants, for up to
//! 100 s. If they find nothing, a search follows. All faults together take about 20 minutes on two
//! cores. Each fault changes a few lines, in a copy of the sources under `target/mutants`, so that
//! the working tree stays as it is. The exit code is 1 if a fault was not found in one of its
//! variants, or if a fault was found that should be harmless.

mod list;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use elector_bully::{Bully, BullyConfig};
use elector_check::{Check, CheckConfig, Time, Walks};
use elector_core::{Comparable, Configuration as _, ElectionAlgorithm};
use elector_paxos::{Paxos, log::MultiPaxos};
use elector_raft::{
    Raft, RaftConfig,
    log::{RaftLog, RaftLogConfig},
};
use list::{List, Mutant};

/// The crates that a copy of the sources needs. The last one is this crate.
const CRATES: [&str; 8] = [
    "elector-core",
    "elector-raft",
    "elector-paxos",
    "elector-bully",
    "elector-ring",
    "elector-members",
    "elector-sim",
    "elector-check",
];
/// The variants of the algorithms. Those in which a selected fault is looked for are the columns of
/// the printed table. The last ones replicate a log.
const VARIANTS: [&str; 8] = [
    "raft/pre-vote",
    "raft/plain",
    "paxos/distinguished",
    "paxos/broadcast",
    "paxos/thrifty",
    "raft-log",
    "multi-paxos/raft",
    "multi-paxos/bully",
];
/// The number of walks (random runs of the model checker) that are done before the time is checked.
const WALKS_AT_ONCE: u64 = 20_000;
/// How long walks look for a fault in one variant.
const WALK_TIME: Duration = Duration::from_secs(100);
/// The maximum number of states of the search, which follows if walks find nothing.
const MAX_STATES: usize = 10_000_000;

/// The results for one mutant: a row of the printed table.
#[derive(Default)]
struct Row {
    found: [String; VARIANTS.len()],
    violated: Vec<String>,
    /// The number of variants in which the result was not as expected.
    missed: usize,
}

impl Row {
    /// Adds the output of a hunt, which looks for the fault in one variant: the violated invariant
    /// and the effort, or `nothing`.
    fn add(&mut self, variant: &str, found: &str, mutant: &Mutant) {
        let (effort, invariant) = match found.split_once(": ") {
            Some((invariant, effort)) => (effort, Some(invariant.to_owned())),
            None => ("not found", None),
        };
        self.missed += usize::from(invariant.is_some() == mutant.harmless.is_some());
        if let Some(column) = VARIANTS.iter().position(|&it| it == variant) {
            effort.clone_into(&mut self.found[column]);
        }
        self.violated.extend(invariant);
        self.violated.sort();
        self.violated.dedup();
    }

    fn cells(&self, columns: &[usize]) -> String {
        let found = columns.iter().map(|&column| self.found[column].as_str());
        found.collect::<Vec<_>>().join(" | ")
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["hunt", variant] => {
            println!("{}", hunt(variant)?);
            Ok(ExitCode::SUCCESS)
        }
        [] => all("", ""),
        [name] => all(name, ""),
        [name, variant] => all(name, variant),
        _ => Err("give at most a part of the mutants' names and a part of a variant".into()),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn all(part: &str, of: &str) -> Result<ExitCode> {
    let (root, tree) = (root(), root().join("target/mutants/tree"));
    let list = List::read(&root)?;
    let is_selected = |it: &&Mutant| {
        it.name.contains(part) && it.variants.iter().any(|variant| variant.contains(of))
    };
    let mutants: Vec<_> = list.mutant.iter().filter(is_selected).collect();
    if mutants.is_empty() {
        let file = "elector-check/mutants.toml";
        return Err(
            format!("no mutant in {file} is named {part:?} and has a variant {of:?}").into(),
        );
    }
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let mut missed = 0;
    let is_used = |&column: &usize| {
        let name = VARIANTS[column];
        name.contains(of)
            && mutants
                .iter()
                .any(|it| it.variants.iter().any(|v| v == name))
    };
    let columns: Vec<usize> = (0..VARIANTS.len()).filter(is_used).collect();
    let names: Vec<&str> = columns.iter().map(|&column| VARIANTS[column]).collect();
    println!("| mutant | violated invariants | {} |", names.join(" | "));
    println!("|---|---|{}", "---|".repeat(columns.len()));
    for mutant in mutants {
        copy_sources(&root, &tree)?;
        for (file, text) in mutant.changes(&root)? {
            fs::write(tree.join(file), text)?;
        }
        let name = &mutant.name;
        let binary = build(&tree).map_err(|error| format!("{name}: {error}"))?;
        let mut row = Row::default();
        for variant in mutant.variants.iter().filter(|it| it.contains(of)) {
            let found = Command::new(&binary).args(["hunt", variant]).output()?;
            if !found.status.success() {
                let stderr = String::from_utf8_lossy(&found.stderr);
                return Err(format!("{name}: the hunt in {variant} failed: {stderr}").into());
            }
            let found = String::from_utf8_lossy(&found.stdout);
            row.add(variant, found.trim(), mutant);
        }
        missed += row.missed;
        match &mutant.harmless {
            Some(why) => println!("| {name} | harmless: {why} | {} |", row.cells(&columns)),
            None => {
                let violated = row.violated.join(", ");
                println!("| {name} | {violated} | {} |", row.cells(&columns));
            }
        }
    }
    Ok(ExitCode::from(u8::from(missed > 0)))
}

/// Copies the sources. Files that did not change keep their modification times, so that Cargo does
/// not build the crates that depend on them again.
fn copy_sources(root: &Path, tree: &Path) -> Result<()> {
    for name in CRATES {
        copy(&root.join(name), &tree.join(name))?;
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let dependencies = manifest
        .find("[workspace.package]")
        .ok_or("no [workspace.package]")?;
    let package = manifest.find("\n[package]").ok_or("no [package]")?;
    let others = manifest[dependencies..package].replace("elector = { path = \".\" }\n", "");
    let members = format!("[workspace]\nresolver = \"3\"\nmembers = {CRATES:?}\n\n{others}");
    write_if_new(&tree.join("Cargo.toml"), members.as_bytes())?;
    write_if_new(
        &tree.join("Cargo.lock"),
        &fs::read(root.join("Cargo.lock"))?,
    )?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (source, target) = {
            let entry = entry?;
            (entry.path(), to.join(entry.file_name()))
        };
        if source.is_dir() {
            copy(&source, &target)?;
        } else {
            write_if_new(&target, &fs::read(&source)?)?;
        }
    }
    Ok(())
}

fn write_if_new(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::read(path) {
        Ok(present) if present == content => Ok(()),
        _ => fs::write(path, content),
    }
}

/// Builds this example in the copy. There is one build for each fault, so the environment variables
/// below reduce the build time.
fn build(tree: &Path) -> Result<PathBuf> {
    let target = tree.with_file_name("build");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "elector-check",
        ])
        .args(["--example", "mutants"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_INCREMENTAL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("RUSTFLAGS", "-Awarnings")
        .output()?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into());
    }
    Ok(target.join("release/examples/mutants"))
}

fn hunt(variant: &str) -> Result<String> {
    match variant {
        "raft-log" => return hunt_in::<RaftLog>(RaftLogConfig::default()),
        "multi-paxos/raft" => return hunt_in::<MultiPaxos<Raft>>(RaftConfig::default()),
        "multi-paxos/bully" => return hunt_in::<MultiPaxos<Bully>>(BullyConfig::default()),
        _ => {}
    }
    let unknown = || format!("there is no variant {variant}");
    let (algorithm, name) = variant.split_once('/').ok_or_else(unknown)?;
    if algorithm == Raft::NAME {
        hunt_in::<Raft>(config_of::<Raft>(name).ok_or_else(unknown)?)
    } else {
        hunt_in::<Paxos>(config_of::<Paxos>(name).ok_or_else(unknown)?)
    }
}

fn config_of<A: Comparable>(name: &str) -> Option<A::Config> {
    let mut variants = A::variants().into_iter();
    Some(variants.find(|variant| variant.name == name)?.config)
}

fn hunt_in<A: ElectionAlgorithm>(config: A::Config) -> Result<String> {
    let started = Instant::now();
    let mut seed = 1;
    while started.elapsed() < WALK_TIME {
        let walks = Walks::<A> {
            walks: WALKS_AT_ONCE,
            seed,
            ..Walks::new(config.clone())
        };
        let report = walks.run()?;
        if let Some(finding) = report.finding {
            let (walks, seconds) = (seed - 1 + report.walks, started.elapsed().as_secs_f64());
            let invariant = finding
                .violation
                .map_or("", |violation| violation.invariant);
            return Ok(format!("{invariant}: {walks} walks, {seconds:.1} s"));
        }
        seed += WALKS_AT_ONCE;
    }
    let started = Instant::now();
    let time = Time::of(4);
    let mut config = config;
    *config.timing_mut() = time.timing();
    let report = Check::<A>::new(CheckConfig {
        config,
        time: Some(time),
        led: true,
        late: Some(0),
        timeouts: Some(4),
        crashes: 0,
        max_states: Some(MAX_STATES),
        ..CheckConfig::default()
    })
    .run()?;
    let (states, seconds) = (report.unique_states, started.elapsed().as_secs_f64());
    let mut counterexamples = report.counterexamples();
    Ok(counterexamples
        .next()
        .map_or("nothing".to_owned(), |found| {
            format!("{}: {states} states, {seconds:.1} s", found.name)
        }))
}
