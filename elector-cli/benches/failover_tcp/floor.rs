//! What the machine itself takes.

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

/// The floor under every failover, as a table.
pub(crate) fn measured(times: usize) -> String {
    let rows = [
        ("kernel: killed until EOF", eof(times)),
        ("  a process of 100 MiB", eof_of(Big::Alone, times)),
        ("  the same, with an heir", eof_of(Big::WithHeir, times)),
        ("loopback round trip, two threads", round_trip(times)),
        ("overwrite of 512 bytes + fdatasync", sync(times)),
    ];
    let mut table = format!("The machine, in milliseconds: p50 / p99 / max of {times}\n");
    for (name, spread) in rows {
        table += &format!("{name:<36}{:>24}\n", spread.to_string());
    }
    table
}

/// From SIGKILL of a small process until its peer reads the end.
fn eof(times: usize) -> Spread {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let took = (0..times).map(|_| {
        // The shell's own connection; it is `cat` that is killed, and holds it alone.
        let script = format!("exec cat <>/dev/tcp/127.0.0.1/{}", address.port());
        let mut cat = Command::new("bash")
            .args(["-c", &script])
            .stdout(Stdio::null())
            .spawn()
            .expect("bash");
        let (mut connection, _) = listener.accept().unwrap();
        connection.set_nodelay(true).unwrap();
        // It has become `cat` when it answers nothing but reads: give it the time to be asleep.
        connection.write_all(b"x").unwrap();
        thread::sleep(std::time::Duration::from_millis(10));
        let killed = Instant::now();
        cat.kill().unwrap();
        // An error is an end as well: what was not read is answered by a reset.
        let _ = connection.read(&mut [0; 16]);
        let took = killed.elapsed();
        cat.wait().unwrap();
        took
    });
    Spread::of(took)
}

/// The variable that makes this binary a process of 100 MiB: `PORT`, and `heir`.
pub(crate) const BIG: &str = "ELECTOR_BENCH_BIG";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Big {
    Alone,
    WithHeir,
}

/// A process that has much memory, and a connection.
pub(crate) fn be_big(how: &str) {
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

/// From SIGKILL of such a process until its peer reads the end.
fn eof_of(big: Big, times: usize) -> Spread {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heir = if big == Big::WithHeir {
        "heir"
    } else {
        "alone"
    };
    let took = (0..times).map(|_| {
        let mut process = Command::new(env::current_exe().unwrap())
            .env(BIG, format!("{port} {heir}"))
            .spawn()
            .unwrap();
        let (mut connection, _) = listener.accept().unwrap();
        connection.read_exact(&mut [0]).unwrap();
        thread::sleep(std::time::Duration::from_millis(2));
        let killed = Instant::now();
        process.kill().unwrap();
        let _ = connection.read(&mut [0]);
        let took = killed.elapsed();
        process.wait().unwrap();
        // The heir of the last one must not be in the way of the next.
        thread::sleep(std::time::Duration::from_millis(40));
        took
    });
    Spread::of(took)
}

fn round_trip(times: usize) -> Spread {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut there, _) = listener.accept().unwrap();
    for connection in [&here, &there] {
        connection.set_nodelay(true).unwrap();
    }
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).is_ok() && there.write_all(&byte).is_ok() {}
    });
    let took: Vec<_> = (0..times)
        .map(|_| {
            // As rarely as elections come: the other thread sleeps deeply.
            thread::sleep(std::time::Duration::from_millis(2));
            let sent = Instant::now();
            here.write_all(b"x").unwrap();
            here.read_exact(&mut [0]).unwrap();
            sent.elapsed()
        })
        .collect();
    drop(here);
    echo.join().unwrap();
    Spread::of(took)
}

fn sync(times: usize) -> Spread {
    let folder = tempfile::tempdir().unwrap();
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true);
    let file = file.open(folder.path().join("record")).unwrap();
    file.write_all_at(&[0; 8192], 0).unwrap();
    file.sync_all().unwrap();
    let took = (0..times).map(|time| {
        thread::sleep(std::time::Duration::from_millis(2));
        let began = Instant::now();
        file.write_all_at(&[time as u8; 512], 4096 * (time as u64 % 2))
            .unwrap();
        file.sync_data().unwrap();
        began.elapsed()
    });
    Spread::of(took)
}
