use std::{
    env,
    fs::OpenOptions,
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::until;

/// Returns the command `elector` with these arguments. The command gets no environment variable of
/// this process except PATH.
pub(crate) fn elector(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elector"));
    command.args(arguments).env_clear();
    command.envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command.stdin(Stdio::null());
    command
}

/// Runs the command until it has ended. Returns its exit code, or the negative number of the signal
/// that killed it, and its output.
pub(crate) fn finished(command: &mut Command) -> (i32, String) {
    let streams = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    let mut ended = None;
    until(&format!("{command:?} ends"), || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    let mut output = String::new();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    out.read_to_string(&mut output).unwrap();
    err.read_to_string(&mut output).unwrap();
    (code(ended.unwrap()), output)
}

/// Runs a command that must fail with exit code 2. Returns its output.
pub(crate) fn failed(command: &mut Command) -> String {
    let (code, output) = finished(command);
    assert_eq!(code, 2, "{output}");
    output
}

/// Returns the exit code of a process, or the negative number of the signal that killed the
/// process.
pub(crate) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|s| -s))
        .unwrap()
}

/// Returns a loopback address that no other test uses. Otherwise another test could take the port
/// of a node while that node is down.
pub(crate) fn own_ip() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let number = std::process::id().wrapping_mul(64).wrapping_add(count);
    let [_, a, b, c] = number.to_be_bytes();
    // The address is never 127.0.0.1, which other programs use.
    format!("127.{}.{b}.{c}", a | 0x80)
}

/// Returns the command line of a node that is the only node of its cluster, so that it always
/// leads. Its data is in the folder `data`.
pub(crate) fn single(subcommand: &str, data: &Path) -> Command {
    let peers = format!("1={}:7101", own_ip());
    let mut command = elector(&[subcommand, "--id", "1", "--peers", &peers]);
    command.arg("--data-dir").arg(data);
    command
}

/// Writes a bearer token to a new file that only its owner can read.
pub(crate) fn write_token(path: &Path) {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path);
    let file = file.as_mut().unwrap();
    file.write_all(b"correct-horse-battery-staple\n").unwrap();
}

/// Returns words to put in front of a command line. They make the process of the command line the
/// first process of a container. Returns `None` if this user cannot create a container: then the
/// test must be skipped.
pub(crate) fn container() -> Option<[&'static str; 5]> {
    let unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let result = Command::new(unshare[0])
        .args(&unshare[1..])
        .arg("true")
        .status();
    if result.is_ok_and(|status| status.success()) {
        return Some(unshare);
    }
    println!("skipped: this user cannot create PID namespaces (unshare --pid)");
    None
}
