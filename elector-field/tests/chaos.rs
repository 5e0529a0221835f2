//! The command `chaos` as it is called, for as long as a test may take.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// One round: each kind of fault is in it.
const FAULTS: &str = "20";

// A trial that is only run now and then could stop working without notice. The durations of
// `patient` are such that guardians are in time on a machine that is overloaded.
#[test]
fn a_short_chaos_finds_nothing_wrong() {
    let elector = match needs() {
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
    let [said, told] = [&done.stdout, &done.stderr].map(|text| String::from_utf8_lossy(text));
    println!("{said}\n{told}");
    assert!(done.status.success(), "see above what was wrong");
}

/// The program `elector`, if all is there that a trial needs.
fn needs() -> Result<PathBuf, String> {
    let elector = elector()?;
    if !Path::new("/dev/net/tun").exists() {
        return Err("there is no /dev/net/tun".into());
    }
    let name = "elector-field-probe";
    let ip = |what| {
        let done = Command::new("ip").args(["netns", what, name]).output();
        let done = done.map_err(|error| format!("`ip` cannot be started: {error}"))?;
        let told = String::from_utf8_lossy(&done.stderr).into_owned();
        let failed = || format!("`ip netns {what} {name}` failed, as without root: {told}");
        done.status.success().then_some(()).ok_or_else(failed)
    };
    ip("add")?;
    ip("delete")?;
    Ok(elector)
}

fn elector() -> Result<PathBuf, String> {
    if let Some(named) = env::var_os("ELECTOR_BIN") {
        return Ok(named.into());
    }
    let here = Path::new(env!("CARGO_BIN_EXE_elector-field"));
    let target = here.parent().and_then(Path::parent);
    let built = target.into_iter().flat_map(|target| {
        ["release", "debug"].map(|profile| target.join(profile).join("elector"))
    });
    // The one that was built last.
    let written = |path: &PathBuf| path.metadata().and_then(|found| found.modified()).ok();
    let newest = built.filter(|path| path.is_file()).max_by_key(written);
    newest.ok_or_else(|| {
        "no `elector`: build it with `cargo build -p elector-cli`, or name it in \
                        ELECTOR_BIN"
            .into()
    })
}
