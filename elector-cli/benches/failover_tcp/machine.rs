//! Measures how fast the machine itself is, without elector.

use std::{
    env,
    fs::OpenOptions,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::FileExt,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use crate::figures::Spread;

/// Measures the lower limits of every failover, and returns them as a table.
pub(crate) fn measure(times: usize) -> String {
    let rows = [
        ("kernel: from SIGKILL until EOF", eof(times)),
        ("  a process of 100 MiB", eof_of(BigProcess::Alone, times)),
        (
            "  the same, with an heir",
            eof_of(BigProcess::WithHeir, times),
        ),
        ("loopback round trip, two threads", round_trip(times)),
        ("overwrite of 512 bytes + fdatasync", sync(times)),
    ];
    let mut table = format!("The machine, in milliseconds: p50 / p99 / max of {times}\n");
    for (name, spread) in rows {
        table += &format!("{name:<36}{:>24}\n", spread.to_string());
    }
    table
}

/// Measures the time from SIGKILL of a small process until its peer reads EOF.
fn eof(times: usize) -> Spread {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let times_taken = (0..times).map(|_| {
        // `cat` replaces the shell, inherits the connection, and is the only process with it.
        let script = format!("exec cat <>/dev/tcp/127.0.0.1/{}", address.port());
        let mut cat = Command::new("bash")
            .args(["-c", &script])
            .stdout(Stdio::null())
            .spawn()
            .expect("bash");
        let (mut connection, _) = listener.accept().unwrap();
        connection.set_nodelay(true).unwrap();
        // `cat` does not answer. So this pause waits until the process has become `cat` and waits
        // in a read.
        connection.write_all(b"x").unwrap();
        thread::sleep(std::time::Duration::from_millis(10));
        let killed = Instant::now();
        cat.kill().unwrap();
        // An error ends the connection as EOF does: the kernel resets a connection with unread
        // data.
        let _ = connection.read(&mut [0; 16]);
        let time = killed.elapsed();
        cat.wait().unwrap();
        time
    });
    Spread::of(times_taken)
}

/// The environment variable that makes this bench program a process of 100 MiB. Its value is `PORT
/// heir` or `PORT alone`: with an heir (the helper process of elector-heir) or without.
pub(crate) const BIG_PROCESS_VARIABLE: &str = "ELECTOR_BENCH_BIG";

#[derive(Clone, Copy, PartialEq, Eq)]
enum BigProcess {
    Alone,
    WithHeir,
}

/// The main function of a process of 100 MiB: allocates the memory, connects to the bench, and
/// waits until it is killed.
pub(crate) fn run_big_process(how: &str) {
    let (port, heir) = how.split_once(' ').expect("a port and more");
    if heir == "heir" {
        elector_heir::appoint_privileged().expect("an heir");
    }
    let memory = std::hint::black_box(vec![1_u8; 100 << 20]);
    let mut connection = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    connection.write_all(b"x").unwrap();
    let _ = connection.read(&mut [0]);
    drop(memory);
}

/// Measures the time from SIGKILL of a process of 100 MiB until its peer reads EOF.
fn eof_of(process_kind: BigProcess, times: usize) -> Spread {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heir = if process_kind == BigProcess::WithHeir {
        "heir"
    } else {
        "alone"
    };
    let times_taken = (0..times).map(|_| {
        let mut process = Command::new(env::current_exe().unwrap())
            .env(BIG_PROCESS_VARIABLE, format!("{port} {heir}"))
            .spawn()
            .unwrap();
        let (mut connection, _) = listener.accept().unwrap();
        connection.read_exact(&mut [0]).unwrap();
        thread::sleep(std::time::Duration::from_millis(2));
        let killed = Instant::now();
        process.kill().unwrap();
        let _ = connection.read(&mut [0]);
        let time = killed.elapsed();
        process.wait().unwrap();
        // The heir (helper process) of the killed process must end before the next measurement.
        thread::sleep(std::time::Duration::from_millis(40));
        time
    });
    Spread::of(times_taken)
}

fn round_trip(times: usize) -> Spread {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut local = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut remote, _) = listener.accept().unwrap();
    for connection in [&local, &remote] {
        connection.set_nodelay(true).unwrap();
    }
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while remote.read_exact(&mut byte).is_ok() && remote.write_all(&byte).is_ok() {}
    });
    let times_taken: Vec<_> = (0..times)
        .map(|_| {
            // In a cluster, elections are rare, so a thread sleeps when a message for it arrives.
            // This pause makes the other thread sleep before each measurement.
            thread::sleep(std::time::Duration::from_millis(2));
            let sent = Instant::now();
            local.write_all(b"x").unwrap();
            local.read_exact(&mut [0]).unwrap();
            sent.elapsed()
        })
        .collect();
    drop(local);
    echo.join().unwrap();
    Spread::of(times_taken)
}

fn sync(times: usize) -> Spread {
    let folder = tempfile::tempdir().unwrap();
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true);
    let file = file.open(folder.path().join("record")).unwrap();
    file.write_all_at(&[0; 8192], 0).unwrap();
    file.sync_all().unwrap();
    let times_taken = (0..times).map(|time| {
        thread::sleep(std::time::Duration::from_millis(2));
        let began = Instant::now();
        file.write_all_at(&[time as u8; 512], 4096 * (time as u64 % 2))
            .unwrap();
        file.sync_data().unwrap();
        began.elapsed()
    });
    Spread::of(times_taken)
}
