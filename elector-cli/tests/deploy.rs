//! Checks that the sample file `deploy/elector.toml` and the guide contain every setting with its
//! default.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

#[path = "deploy/guide.rs"]
mod guide;

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use elector_bully::BullyConfig;
use elector_core::Timing;
use elector_paxos::PaxosConfig;
use elector_raft::RaftConfig;
use elector_ring::RingConfig;
use serde::Serialize;
use toml::{Table, Value};

const SAMPLE: &str = include_str!("../../deploy/elector.toml");

/// Returns the settings in the sample file `deploy/elector.toml`, with each default as a setting:
/// `#key = value` becomes `key = value`.
fn uncommented() -> Table {
    let lines = SAMPLE.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|first: char| first.is_ascii_lowercase()) => setting,
        _ => line,
    });
    let lines: Vec<&str> = lines.collect();
    lines.join("\n").parse().unwrap()
}

/// Returns the options of an algorithm in the sample file `deploy/elector.toml`: the lines that
/// begin with `#   ` below the line `# With algorithm = "NAME":`.
fn options_of(algorithm: &str) -> Table {
    let heading = format!("# With algorithm = \"{algorithm}\":");
    let lines = SAMPLE.lines().skip_while(|line| *line != heading).skip(1);
    let options = lines.map_while(|line| line.strip_prefix("#   "));
    let options: Vec<&str> = options.collect();
    assert!(!options.is_empty(), "there is no line {heading:?}");
    options.join("\n").parse().unwrap()
}

/// Returns the command `elector` with these arguments. The command gets no environment variable of
/// this process except PATH.
fn elector(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elector"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command.envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// Runs a command that must succeed. Returns its standard output.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Replaces the folders, the token and the addresses in the settings of the sample by values that
/// work on this machine. The sample with its defaults and the sample without them get the same
/// values, so a check must print the same for both.
fn adapted(mut settings: Table, folder: &Path) -> Table {
    let path = |name: &str| Value::from(folder.join(name).to_str().unwrap());
    let peers = ["1=127.0.0.1:7101", "2=127.0.0.1:7102", "3=127.0.0.1:7103"];
    for (key, value) in [
        ("peers", peers.to_vec().into()),
        ("data_dir", path("data")),
        ("tls_dir", path("tls")),
        ("listen", "127.0.0.1:0".into()),
        ("http", "127.0.0.1:0".into()),
        ("token_file", path("token")),
    ] {
        settings.insert(key.into(), value);
    }
    settings
}

/// Creates a folder with the certificates, the token and the record that a node with the settings
/// of the sample file `deploy/elector.toml` needs.
fn prepared_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "0123456789abcdef").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let tls = folder.path().join("tls");
    run(elector(&["certs", "dev", "--nodes", "3", "--out"]).arg(tls));
    let minimal = adapted(SAMPLE.parse().unwrap(), folder.path());
    let file = folder.path().join("elector.toml");
    fs::write(&file, minimal.to_string()).unwrap();
    run(elector(&["node", "--init", "--config"]).arg(file));
    folder
}

/// Runs `--check-config` with these settings. Returns the output of `elector node --check-config`.
fn check(settings: Table, folder: &Path) -> String {
    let file = folder.join("elector.toml");
    fs::write(&file, adapted(settings, folder).to_string()).unwrap();
    run(elector(&["run", "--check-config", "--config"])
        .arg(&file)
        .args(["--", "true"]));
    run(elector(&["node", "--check-config", "--config"]).arg(&file))
}

fn table(of: impl Serialize) -> Table {
    Table::try_from(of).unwrap()
}

// A node must accept the sample file `deploy/elector.toml`, and the defaults in it must be the
// defaults of the program. A wrong default would mislead operators.
#[test]
fn the_sample_is_valid_with_and_without_its_defaults() {
    let folder = prepared_folder();
    let defaults = check(SAMPLE.parse().unwrap(), folder.path());
    assert!(defaults.contains("are valid"), "{defaults}");
    assert_eq!(check(uncommented(), folder.path()), defaults);
    let timing = uncommented()["timing"].clone();
    assert_eq!(timing, Value::Table(table(Timing::patient())));
}

// A developer who adds a setting to the program must not forget to add it to the sample file
// `deploy/elector.toml`.
#[test]
fn the_sample_has_every_setting() {
    let help = run(&mut elector(&["run", "--help"]));
    let variables = help.split("[env: ELECTOR_").skip(1);
    let variables = variables.map(|rest| rest.split('=').next().unwrap().to_lowercase());
    // `--config` gives the path of the settings file, so it is no key in this file.
    let variables: BTreeSet<String> = variables.filter(|name| name != "config").collect();
    assert!(variables.contains("grace_ms"), "{help}");

    let sample = uncommented();
    let of_run = sample["run"].as_table().unwrap();
    let of_node = sample.iter().filter(|(_, value)| !value.is_table());
    let keys = of_node.chain(of_run).map(|(key, _)| key.clone());
    assert_eq!(keys.collect::<BTreeSet<String>>(), variables);
    let of_detection = sample["detection"].as_table().unwrap().keys();
    assert!(of_detection.eq(["ceiling_ms", "floor_ms", "ping_ms"]));
}

// The help of the command does not list the options of the algorithms, so the sample file
// `deploy/elector.toml` must list them.
#[test]
fn the_sample_has_the_options_of_each_algorithm() {
    let folder = prepared_folder();
    let answer_timeout = Some(Timing::patient().round_trip);
    let bully = BullyConfig {
        answer_timeout,
        ..BullyConfig::default()
    };
    let of_raft = uncommented()["options"].as_table().unwrap().clone();
    for (algorithm, config, options) in [
        ("raft", table(RaftConfig::default()), of_raft),
        ("paxos", table(PaxosConfig::default()), options_of("paxos")),
        ("bully", table(bully), options_of("bully")),
        ("ring", table(RingConfig::default()), options_of("ring")),
    ] {
        let mut expected = config;
        expected.remove("timing");
        assert_eq!(options, expected, "{algorithm}");
        if algorithm == "raft" {
            continue;
        }
        let mut settings: Table = SAMPLE.parse().unwrap();
        settings.insert("algorithm".into(), algorithm.into());
        settings.insert("options".into(), options.into());
        // The record in the prepared folder is a record of raft, so the check of another algorithm
        // needs another folder.
        let data = folder.path().join(algorithm);
        let mut settings = adapted(settings, folder.path());
        settings["data_dir"] = data.to_str().unwrap().into();
        let file = folder.path().join("other.toml");
        fs::write(&file, settings.to_string()).unwrap();
        run(elector(&["node", "--init", "--config"]).arg(&file));
        run(elector(&["node", "--check-config", "--config"]).arg(&file));
    }
}
