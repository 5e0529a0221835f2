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

/// The command, with nothing of this process's environment that could change what it does.
pub(crate) fn elector(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_elector"));
    command.args(arguments).env_clear();
    command.envs(env::var_os("PATH").map(|path| ("PATH", path)));
    command.stdin(Stdio::null());
    command
}

/// Its exit code, and all that it says, as soon as it has ended.
pub(crate) fn finished(command: &mut Command) -> (i32, String) {
    let streams = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    let mut ended = None;
    until(&format!("{command:?} ends"), || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    let mut said = String::new();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    out.read_to_string(&mut said).unwrap();
    err.read_to_string(&mut said).unwrap();
    (code(ended.unwrap()), said)
}

/// What it says when it refuses to do what it was told.
pub(crate) fn refused(command: &mut Command) -> String {
    let (code, said) = finished(command);
    assert_eq!(code, 2, "{said}");
    said
}

/// The exit code; minus the signal's number if that ended it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|s| -s))
        .unwrap()
}

/// A loopback address that nobody else uses, so that no port on it is taken by chance while a node
/// that is to come back to it is down.
pub(crate) fn own_ip() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let number = std::process::id().wrapping_mul(64).wrapping_add(count);
    let [_, a, b, c] = number.to_be_bytes();
    // Never 127.0.0.1, which is everybody's.
    format!("127.{}.{b}.{c}", a | 0x80)
}

/// A node that is alone in its cluster, and so leads it, with its data in this folder.
pub(crate) fn single(what: &str, data: &Path) -> Command {
    let peers = format!("1={}:7101", own_ip());
    let mut command = elector(&[what, "--id", "1", "--peers", &peers]);
    command.arg("--data-dir").arg(data);
    command
}

/// Writes a bearer token into this file, for its owner only.
pub(crate) fn write_token(path: &Path) {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path);
    let file = file.as_mut().unwrap();
    file.write_all(b"correct-horse-battery-staple\n").unwrap();
}
