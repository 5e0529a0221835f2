//! What a user has after an installation: a version, completions and man pages.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{Folder, command, stdout_of, usage_error};

/// A shell script that loads a completion script (the first argument), and completes the last of
/// the other arguments. It prints one candidate per line.
const COMPLETE: &str = r#"
    set -eu
    . "$1"
    shift
    complete -p elector >/dev/null
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _elector elector "${@: -1}" "${@: -2:1}"
    printf '%s\n' "${COMPREPLY[@]}"
"#;

/// Returns what bash offers for the last word of `line`.
fn completed(script: &Path, line: &str) -> Vec<String> {
    let output = Command::new("bash")
        .args(["--norc", "-c", COMPLETE, "bash"])
        .arg(script)
        .args(line.split(' '))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

// If bash cannot load the completion script, or does not offer a name, only users would notice it
// without this test.
#[test]
fn bash_completes_subcommands_options_and_names() {
    let folder = Folder::new("completions");
    let script = folder.file("elector.bash", &stdout_of("completions bash"));
    for (line, candidates) in [
        ("elector comp", &["compare", "completions"][..]),
        ("elector compare --sce", &["--scenarios", "--scenario-file"]),
        ("elector compare --scenarios leader-c", &["leader-crash"]),
        ("elector check --algorithm pax", &["paxos", "paxos/thrifty"]),
        ("elector node --profile l", &["lan"]),
        ("elector record s", &["show", "set"]),
        ("elector members a", &["add"]),
        ("elector certs dev --da", &["--days"]),
    ] {
        let found = completed(&script, line);
        for candidate in candidates {
            assert!(found.iter().any(|it| it == candidate), "{line}: {found:?}");
        }
        let word = line.rsplit(' ').next().unwrap();
        assert!(found.iter().all(|it| it.starts_with(word)), "{found:?}");
    }
}

// Users of other shells need a completion script, too. Some of these scripts offer no values of
// options.
#[test]
fn every_shell_has_a_script() {
    for (shell, has_values) in [
        ("bash", true),
        ("elvish", false),
        ("fish", true),
        ("powershell", false),
        ("zsh", true),
    ] {
        let script = stdout_of(&format!("completions {shell}"));
        assert!(script.contains("step-down"), "{shell}");
        assert_eq!(script.contains("raft/pre-vote"), has_values, "{shell}");
    }
    let error = usage_error("completions tcsh");
    assert!(error.contains("possible values: bash, elvish"), "{error}");
}

// On a man page, an example must stay one line, and the exit codes must be in the section in which
// readers look for them.
#[test]
fn man_pages_have_their_sections() {
    let folder = Folder::new("man");
    let out = folder.0.join("share/man1");
    let message = stdout_of(&format!("man --out {}", out.display()));
    let pages = fs::read_dir(&out).unwrap().count();
    assert!(
        message.starts_with(&format!("{pages} man pages")),
        "{message}"
    );
    let page = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let compare = page("elector-compare.1");
    for part in [
        ".SH NAME\nelector\\-compare \\- Compare",
        "\n.SH EXAMPLES\n.nf\n elector compare\n",
        "\n.SH \"EXIT STATUS\"\n",
        "raft/pre\\-vote: ",
        "\n.SH \"SEE ALSO\"\n\\fBelector\\fR(1)\n",
    ] {
        assert!(compare.contains(part), "{part:?} is missing in {compare}");
    }
    assert!(page("elector-node.1").contains("\\fBELECTOR_DATA_DIR\\fR"));
    // If the pages exist already, the command must replace them.
    stdout_of(&format!("man --out {}", out.display()));
    let file = folder.file("file", "");
    let error = usage_error(&format!("man --out {}", file.display()));
    assert!(error.contains("Name another folder"), "{error}");
}

// In a report about an error, the version is the first information that is needed. It must name the
// commit and the version of the protocol.
#[test]
fn the_version_names_the_source_and_the_protocol() {
    let version = stdout_of("--version");
    assert_eq!(version, stdout_of("-V"));
    let start = concat!("elector ", env!("CARGO_PKG_VERSION"), " (");
    assert!(
        version.starts_with(start) && version.contains("wire "),
        "{version}"
    );
}

// Without arguments, a new user must see what the program can do.
#[test]
fn no_arguments_print_the_help() {
    let output = command().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("Usage: elector") && text.contains("simulate"),
        "{text}"
    );
}
