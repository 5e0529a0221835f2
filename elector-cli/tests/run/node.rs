use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Folder,
    driver::{Driver, FAREWELL},
    gone, until,
};

fn pid_of(driver: &Driver) -> Pid {
    Pid::from_raw(driver.0.id().try_into().unwrap()).unwrap()
}

fn signal(driver: &Driver, signal: Signal) {
    kill_process(pid_of(driver), signal).unwrap();
}

// A node killed with -9 can stop nothing, and its peers elect another within a millisecond: neither
// its command nor anything of its own may stay. The lease would run for a minute yet.
#[test]
fn the_command_dies_with_the_node() {
    let folder = Folder::new();
    let driver = Driver::start("hold", folder.0.path());
    let pids = ["guardian", "pid"].map(|name| folder.pid(name));
    signal(&driver, Signal::KILL);
    until("both are gone", || pids.map(gone) == [true; 2]);
}

// A node that is stopped, or hangs, cannot stop anything and does not hear that it was deposed:
// the guardian must end the command by the lease's end, on its own clock.
#[test]
fn the_command_of_a_stopped_node_dies_before_the_lease_ends() {
    let folder = Folder::new();
    let driver = Driver::start("lapse", folder.0.path());
    let pid = folder.pid("pid");
    signal(&driver, Signal::STOP);
    until("it is gone", || gone(pid));
    assert!(!folder.path("ended").exists(), "the node was not stopped");
    signal(&driver, Signal::CONT);
    // The driver has compared the guardian's times with the deadline.
    assert_eq!(folder.read("ended"), "Deadline was ended by signal 9");
}

// A daemon that has a session of its own is found by its parentage alone: when its guardian is
// killed, the node is its parent, and must leave nothing behind that writes as the leader.
#[test]
fn a_daemon_dies_with_a_guardian_that_is_killed() {
    let folder = Folder::new();
    let _driver = Driver::start("bereaved", folder.0.path());
    let [guardian, pid, daemon] = ["guardian", "pid", "pid.daemon"].map(|name| folder.pid(name));
    kill_process(guardian, Signal::KILL).unwrap();
    folder.read("parted");
    assert_eq!([pid, daemon].map(gone), [true; 2]);
}

// With the node stopped, nobody but the kernel is left to end the command of a guardian that is
// killed.
#[test]
fn the_kernel_ends_the_command_of_a_guardian_that_is_killed() {
    let folder = Folder::new();
    let driver = Driver::start("hold", folder.0.path());
    let [guardian, pid] = ["guardian", "pid"].map(|name| folder.pid(name));
    signal(&driver, Signal::STOP);
    kill_process(guardian, Signal::KILL).unwrap();
    until("it is gone", || gone(pid));
}

// A peer that sees the connection break may have another leader at work before the guardian gets a
// processor. One that the guardian keeps breaks only when the command is dead.
#[test]
fn a_kept_socket_breaks_after_the_command_is_dead() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    fs::write(folder.path("port"), port.to_string()).unwrap();
    let driver = Driver::start("keep", folder.0.path());
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(crate::LIMIT)).unwrap();
    let pid = folder.pid("pid");
    signal(&driver, Signal::KILL);
    let mut rest = Vec::new();
    assert_eq!(peer.read_to_end(&mut rest).unwrap(), 0);
    assert!(gone(pid));
}

// Whoever asks for it gets the node's standard input; and a token that the node was started with is
// not taken for its own.
#[test]
fn standard_input_is_inherited_on_request() {
    let folder = Folder::new();
    let mut driver = Driver::start("read", folder.0.path());
    let mut stdin = driver.0.stdin.take().unwrap();
    stdin.write_all(b"a line for the leader\n").unwrap();
    drop(stdin);
    let read = folder.read("pid.whole");
    assert!(read.starts_with("a line for the leader\n"), "{read}");
    assert!(read.contains("ELECTOR_EPOCH=8") && !read.contains("ELECTOR_FENCING_TOKEN"));
    assert!(!read.contains("=secret"), "{read}");
}

// Leadership may come and go for months: nothing may be left of it, whenever it goes.
#[test]
fn nothing_is_left_of_two_hundred_tenures() {
    let folder = Folder::new();
    let driver = Driver::start("churn", folder.0.path());
    let counts = folder.read("counts");
    let (files, waiting) = counts.split_once("] ").unwrap();
    let files: Vec<&str> = files.trim_start_matches('[').split(", ").collect();
    assert_eq!(
        files[..2],
        files[2..],
        "open files of node and guardian, early and late"
    );
    assert_eq!(waiting, "1", "processes: the one in waiting");
    assert!(gone(folder.pid("guardian")));
    drop(driver);
}

/// A driver that has entrusted its guardian with a connection, and the other end of that.
fn entrusting(job: &str, folder: &Folder) -> (Driver, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    fs::write(folder.path("port"), port.to_string()).unwrap();
    let driver = Driver::start(job, folder.0.path());
    let (connection, _) = listener.accept().unwrap();
    (driver, connection)
}

// Its peers elect the next leader when they read this, and that one starts its command: this one's
// must be dead.
#[test]
fn the_farewell_comes_when_node_and_command_are_dead() {
    let folder = Folder::new();
    let (driver, mut connection) = entrusting("prove", &folder);
    let pid = folder.pid("pid");
    signal(&driver, Signal::KILL);
    let mut said = vec![0; FAREWELL.len()];
    connection.read_exact(&mut said).unwrap();
    assert!(gone(pid), "the command");
    assert!(gone(pid_of(&driver)), "the node");
    assert_eq!(said, FAREWELL);
}

// A node that is stopped may go on with its lease, and one that has no guardian any more lives on:
// neither is dead, whatever becomes of the line between them.
#[test]
fn no_farewell_comes_while_the_node_lives() {
    for job in ["let go", "stay"] {
        let folder = Folder::new();
        let (driver, mut connection) = entrusting(job, &folder);
        let guardian = folder.pid("guardian");
        folder.read("parted");
        signal(&driver, Signal::STOP);
        until("the guardian is gone", || gone(guardian));
        signal(&driver, Signal::KILL);
        let mut said = Vec::new();
        connection.read_to_end(&mut said).unwrap();
        assert_eq!(said, b"", "{job}");
    }
    let folder = Folder::new();
    let (driver, connection) = entrusting("prove", &folder);
    let pid = folder.pid("pid");
    signal(&driver, Signal::STOP);
    kill_process(folder.pid("guardian"), Signal::KILL).unwrap();
    until("the command is dead", || gone(pid));
    signal(&driver, Signal::KILL);
    let mut said = Vec::new();
    (&connection).read_to_end(&mut said).unwrap();
    assert_eq!(said, b"", "nobody is left who knows");
}
