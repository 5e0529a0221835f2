use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Folder,
    driver::{Driver, FAREWELL},
    has_ended, until,
};

fn pid_of(driver: &Driver) -> Pid {
    Pid::from_raw(driver.0.id().try_into().unwrap()).unwrap()
}

fn signal(driver: &Driver, signal: Signal) {
    kill_process(pid_of(driver), signal).unwrap();
}

// A node that is killed by SIGKILL cannot stop its command, and its peers may elect another leader
// within a millisecond. So its guardian must kill the command at once, although the lease does not
// end for a minute.
#[test]
fn the_command_is_killed_when_the_node_is_killed() {
    let folder = Folder::new();
    let driver = Driver::start("run", folder.0.path());
    let pids = ["guardian", "pid"].map(|name| folder.pid(name));
    signal(&driver, Signal::KILL);
    until("both have ended", || pids.map(has_ended) == [true; 2]);
}

// A node that is stopped or hangs cannot stop its command, and does not notice that another node
// leads. The guardian must stop the command before the lease ends, and knows the time from its own
// clock.
#[test]
fn the_command_of_a_stopped_node_ends_before_the_lease() {
    let folder = Folder::new();
    let driver = Driver::start("run until the lease ends", folder.0.path());
    let pid = folder.pid("pid");
    signal(&driver, Signal::STOP);
    until("the command has ended", || has_ended(pid));
    assert!(!folder.path("end").exists(), "the node was not stopped");
    signal(&driver, Signal::CONT);
    // The driver has compared the time of the end, which the guardian has measured, with the
    // end of the lease.
    assert_eq!(folder.read("end"), "Deadline was killed by signal 9");
}

// A daemon with a session of its own can only be found because it becomes a child of the guardian
// or, if the guardian is killed, of the node. The node must kill all processes that act for the
// leadership.
#[test]
fn a_daemon_is_killed_when_the_guardian_is_killed() {
    let folder = Folder::new();
    let _driver = Driver::start("run with a daemon", folder.0.path());
    let [guardian, pid, daemon] = ["guardian", "pid", "pid.daemon"].map(|name| folder.pid(name));
    kill_process(guardian, Signal::KILL).unwrap();
    folder.read("done");
    assert_eq!([pid, daemon].map(has_ended), [true; 2]);
}

// If the node is stopped and the guardian is killed, only the kernel can kill the command.
#[test]
fn the_kernel_kills_the_command_when_the_guardian_is_killed() {
    let folder = Folder::new();
    let driver = Driver::start("run", folder.0.path());
    let [guardian, pid] = ["guardian", "pid"].map(|name| folder.pid(name));
    signal(&driver, Signal::STOP);
    kill_process(guardian, Signal::KILL).unwrap();
    until("the command has ended", || has_ended(pid));
}

// When a connection of the node breaks, the peers may elect another leader before the guardian gets
// a processor. So a connection that the guardian keeps must break only after the command is dead.
#[test]
fn a_kept_socket_breaks_after_the_command_is_dead() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    fs::write(folder.path("port"), port.to_string()).unwrap();
    let driver = Driver::start("keep a socket", folder.0.path());
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(crate::LIMIT)).unwrap();
    let pid = folder.pid("pid");
    signal(&driver, Signal::KILL);
    let mut rest = Vec::new();
    assert_eq!(peer.read_to_end(&mut rest).unwrap(), 0);
    assert!(has_ended(pid));
}

// The command must inherit standard input if the options say so. It must not inherit a fencing
// token with which the node was started.
#[test]
fn standard_input_is_inherited_if_configured() {
    let folder = Folder::new();
    let mut driver = Driver::start("inherit stdin", folder.0.path());
    let mut stdin = driver.0.stdin.take().unwrap();
    stdin.write_all(b"a line for the leader\n").unwrap();
    drop(stdin);
    let read = folder.read("pid.whole");
    assert!(read.starts_with("a line for the leader\n"), "{read}");
    assert!(read.contains("ELECTOR_EPOCH=8") && !read.contains("ELECTOR_FENCING_TOKEN"));
    assert!(!read.contains("=secret"), "{read}");
}

// A node may win and lose the leadership for months. No file and no process may be left of any
// tenure, which is a time in which the node leads one epoch.
#[test]
fn nothing_is_left_of_two_hundred_tenures() {
    let folder = Folder::new();
    let driver = Driver::start("200 tenures", folder.0.path());
    let counts = folder.read("counts");
    let (files, waiting) = counts.split_once("] ").unwrap();
    let files: Vec<&str> = files.trim_start_matches('[').split(", ").collect();
    assert_eq!(
        files[..2],
        files[2..],
        "open files of node and guardian, early and late"
    );
    assert_eq!(waiting, "1", "processes: only the next shim is left");
    assert!(has_ended(folder.pid("guardian")));
    drop(driver);
}

/// Starts a driver that entrusts a connection to its guardian. Returns the driver, and the other
/// end of the connection.
fn entrusting(job: &str, folder: &Folder) -> (Driver, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    fs::write(folder.path("port"), port.to_string()).unwrap();
    let driver = Driver::start(job, folder.0.path());
    let (connection, _) = listener.accept().unwrap();
    (driver, connection)
}

// When the peers read the farewell, which proves the death of this node, they elect the next
// leader, and that leader starts its command. The command of this node must be dead by then.
#[test]
fn the_farewell_is_written_when_node_and_command_are_dead() {
    let folder = Folder::new();
    let (driver, mut connection) = entrusting("entrust", &folder);
    let pid = folder.pid("pid");
    signal(&driver, Signal::KILL);
    let mut received = vec![0; FAREWELL.len()];
    connection.read_exact(&mut received).unwrap();
    assert!(has_ended(pid), "the command");
    assert!(has_ended(pid_of(&driver)), "the node");
    assert_eq!(received, FAREWELL);
}

// The farewell proves that the node is dead. A node that is stopped may continue while its lease
// holds, and a node whose guardian has ended is alive. In both cases no farewell may be written,
// even if the channel between node and guardian is closed.
#[test]
fn no_farewell_is_written_while_the_node_lives() {
    for job in ["entrust, shut down", "entrust, drop"] {
        let folder = Folder::new();
        let (driver, mut connection) = entrusting(job, &folder);
        let guardian = folder.pid("guardian");
        folder.read("done");
        signal(&driver, Signal::STOP);
        until("the guardian has ended", || has_ended(guardian));
        signal(&driver, Signal::KILL);
        let mut received = Vec::new();
        connection.read_to_end(&mut received).unwrap();
        assert_eq!(received, b"", "{job}");
    }
    let folder = Folder::new();
    let (driver, connection) = entrusting("entrust", &folder);
    let pid = folder.pid("pid");
    signal(&driver, Signal::STOP);
    kill_process(folder.pid("guardian"), Signal::KILL).unwrap();
    until("the command has ended", || has_ended(pid));
    signal(&driver, Signal::KILL);
    let mut received = Vec::new();
    (&connection).read_to_end(&mut received).unwrap();
    assert_eq!(received, b"", "no process is left that could write it");
}
