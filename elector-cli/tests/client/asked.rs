use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{Nodes, Served, command, lonely, run};

// Scripts act on the exit code, and people on the lines.
#[test]
fn the_status_of_each_node_has_its_code() {
    let (nodes, leader) = Nodes::elected(3);
    let served = nodes.serve(leader);
    let (code, told) = run(&mut served.command("status"));
    assert_eq!(code, 0, "{told}");
    let first = format!("node       {leader} of billing: 1, 2, 3\nrole       leader\n");
    assert!(told.starts_with(&first), "{told}");
    assert!(told.contains(" ms left\n"), "{told}");

    let follower = nodes.serve(nodes.other(leader));
    let (code, told) = run(&mut follower.command("status"));
    assert_eq!(code, 1, "{told}");
    assert!(told.contains(&format!("\nleader     {leader}\n")), "{told}");

    let alone = Served::new(&nodes.runtime, &lonely(&nodes.runtime), "127.0.0.1:0");
    let (code, told) = run(&mut alone.command("status"));
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("\nleader     none known\n"), "{told}");
}

// Other programs read the JSON, and the address comes from the environment of a service.
#[test]
fn the_json_is_the_nodes_own() {
    let (nodes, leader) = Nodes::elected(1);
    let served = nodes.serve(leader);
    let mut status = command("status --json");
    let (code, told) = run(status.env("ELECTOR_HTTP", format!("http://{}/", served.address)));
    assert_eq!(code, 0, "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["leader"], leader.0);
}

// A node that is not there is not a cluster without a leader.
#[test]
fn where_nobody_listens_is_told_with_what_to_do() {
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    for arguments in ["status", "watch", "step-down", "transfer --to 2"] {
        let mut asked = command(arguments);
        asked.env("ELECTOR_HTTP", &address);
        let (code, told) = run(asked.env("ELECTOR_TOKEN", crate::TOKEN));
        assert_eq!(code, 3, "{arguments}: {told}");
        let hint = format!("start a node with `elector node --http {address} ...`");
        assert!(told.contains(&hint), "{arguments}: {told}");
    }
}

// Something else may listen there: its answer must not pass for a cluster's.
#[test]
fn a_stranger_is_told_as_one() {
    for (answer, hint) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", "cannot query the node"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "does not answer like an elector node: \"hello\"",
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: http://example.org/\r\nContent-Length: 0\r\n\r\n",
            "does not answer like an elector node",
        ),
    ] {
        let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = stranger.local_addr().unwrap().to_string();
        let talk = thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = stranger.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        for arguments in ["status", "watch"] {
            let (code, told) = run(command(arguments).args(["--http", &address]));
            assert_eq!(code, 3, "{arguments}: {told}");
            assert!(told.contains(hint), "{arguments}: {told}");
        }
        talk.join().unwrap();
    }
}

// A mistyped option must not look like a cluster without a leader.
#[test]
fn wrong_usage_has_the_code_of_what_could_not_be_found_out() {
    for (arguments, hint) in [
        ("status --jsno", "--json"),
        ("status --http 7180", "HOST:PORT"),
        ("status --http https://db1:7180", "without TLS"),
        ("watch --once", "unexpected argument"),
        ("transfer", "--to"),
        ("transfer --to two", "invalid digit"),
    ] {
        let (code, told) = run(&mut command(arguments));
        assert_eq!(code, 3, "{arguments}");
        assert!(told.contains(hint), "{arguments}: {told}");
    }
    let (code, told) = run(&mut command("status --help"));
    assert_eq!(code, 0);
    assert!(told.contains("2 it knows no leader"), "{told}");
    assert_eq!(run(&mut command("compare --nods 3")).0, 2);
}

// A node that has stopped and is still served leads nobody.
#[test]
fn a_stopped_node_is_told_as_such() {
    let runtime = Runtime::new().unwrap();
    let elector = lonely(&runtime);
    let served = Served::new(&runtime, &elector, "127.0.0.1:0");
    runtime.block_on(elector.shutdown()).unwrap();
    let (code, told) = run(&mut served.command("status"));
    assert_eq!(code, 2, "{told}");
    assert!(
        told.contains("\nstopped    the node was shut down\n"),
        "{told}"
    );
}
