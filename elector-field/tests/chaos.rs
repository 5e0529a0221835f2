//! Runs the command `chaos` with few faults, so that a test does not take too long.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The number of faults in one round of the trial. A round has each kind of fault at least once.
const FAULTS: &str = "20";

// People run trials seldom, so this test must show that trials work. The pace `patient` has
// durations with which a guardian, the process that kills the command before the lease ends, is in
// time even on an overloaded machine.
#[test]
fn a_short_trial_finds_no_violation() {
    let elector = match find_prerequisites() {
        Ok(elector) => elector,
        Err(missing) => {
            println!("SKIPPED: {missing}");
            return;
        }
    };
    let done = Command::new(env!("CARGO_BIN_EXE_elector-field"))
        .args(["chaos", "--faults", FAULTS, "--nodes", "3"])
        .args(["--algorithms", "raft", "--pace", "patient"])
        .arg("--elector")
        .arg(elector)
        .output()
        .expect("the program under test starts");
    let [output, errors] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
    println!("{output}\n{errors}");
    assert!(
        done.status.success(),
        "the output above lists the violations"
    );
}

/// Returns the program `elector` if this machine has everything that a trial needs.
fn find_prerequisites() -> Result<PathBuf, String> {
    let elector = find_elector()?;
    if !Path::new("/dev/net/tun").exists() {
        return Err("there is no /dev/net/tun".into());
    }
    let name = "elector-field-probe";
    let ip = |action| {
        let done = Command::new("ip").args(["netns", action, name]).output();
        let done = done.map_err(|error| format!("`ip` cannot be started: {error}"))?;
        let message = String::from_utf8_lossy(&done.stderr).into_owned();
        let failed =
            || format!("`ip netns {action} {name}` failed, as it does without root: {message}");
        done.status.success().then_some(()).ok_or_else(failed)
    };
    ip("add")?;
    ip("delete")?;
    Ok(elector)
}

fn find_elector() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("ELECTOR_BIN") {
        return Ok(named.into());
    }
    let here = Path::new(env!("CARGO_BIN_EXE_elector-field"));
    let target = here.parent().and_then(Path::parent);
    let built = target.into_iter().flat_map(|target| {
        ["release", "debug"].map(|profile| target.join(profile).join("elector"))
    });
    // If both profiles were built, the test takes the program that was built last.
    let written = |path: &PathBuf| path.metadata().and_then(|found| found.modified()).ok();
    let newest = built.filter(|path| path.is_file()).max_by_key(written);
    newest.ok_or_else(|| {
        "there is no `elector`: build it with `cargo build -p elector-cli`, or set ELECTOR_BIN to \
         its path"
            .into()
    })
}
