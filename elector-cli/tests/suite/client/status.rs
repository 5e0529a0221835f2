use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Nodes, Served, command, node_without_peers, run};

// Scripts use the exit code of `elector status`, and people read its lines. Both must be right for
// a leader, for a follower, and for a node that knows no leader.
#[test]
fn the_exit_code_depends_on_the_role() {
    let (nodes, leader) = Nodes::elected(3);
    let served = nodes.serve(leader);
    let (code, output) = run(&mut served.command("status"));
    assert_eq!(code, 0, "{output}");
    let first = format!("node       {leader} of billing: 1, 2, 3\nrole       leader\n");
    assert!(output.starts_with(&first), "{output}");
    assert!(output.contains(" ms left\n"), "{output}");

    let follower = nodes.serve(nodes.peer_of(leader));
    let (code, output) = run(&mut follower.command("status"));
    assert_eq!(code, 1, "{output}");
    assert!(
        output.contains(&format!("\nleader     {leader}\n")),
        "{output}"
    );

    let without_leader = Served::new(
        &nodes.runtime,
        &node_without_peers(&nodes.runtime),
        "127.0.0.1:0",
    );
    let (code, output) = run(&mut without_leader.command("status"));
    assert_eq!(code, 2, "{output}");
    assert!(output.contains("\nleader     none known\n"), "{output}");
}

// With `--json`, the output must be JSON that other programs can read. The address of the node may
// come from the variable `ELECTOR_HTTP`.
#[test]
fn the_json_is_the_answer_of_the_node() {
    let (nodes, leader) = Nodes::elected(1);
    let served = nodes.serve(leader);
    let mut status = command("status --json");
    let (code, output) = run(status.env("ELECTOR_HTTP", format!("http://{}/", served.address)));
    assert_eq!(code, 0, "{output}");
    let json: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(json["leader"], leader.0);
}

// If a node does not run, this does not mean that the cluster has no leader. So the exit code must
// be another one, and the error must say what to do.
#[test]
fn the_error_for_a_refused_connection_says_what_to_do() {
    // No process listens on this port any more.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    for arguments in ["status", "watch", "step-down", "transfer --to 2"] {
        let mut request = command(arguments);
        request.env("ELECTOR_HTTP", &address);
        let (code, output) = run(request.env("ELECTOR_TOKEN", super::TOKEN));
        assert_eq!(code, 3, "{arguments}: {output}");
        let hint = format!("start a node with `elector node --http {address} ...`");
        assert!(output.contains(&hint), "{arguments}: {output}");
    }
}

// Another service may listen at the address. Its answer must not look like the answer of a node.
#[test]
fn the_answer_of_another_service_is_an_error() {
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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = thread::spawn(move || {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        for arguments in ["status", "watch"] {
            let (code, output) = run(command(arguments).args(["--http", &address]));
            assert_eq!(code, 3, "{arguments}: {output}");
            assert!(output.contains(hint), "{arguments}: {output}");
        }
        answers.join().unwrap();
    }
}

// The exit code of a misspelled option must differ from the exit code of a cluster without a
// leader.
#[test]
fn wrong_usage_has_the_exit_code_of_an_unknown_status() {
    for (arguments, hint) in [
        ("status --jsno", "--json"),
        ("status --http 7180", "HOST:PORT"),
        ("status --http https://db1:7180", "without TLS"),
        ("watch --once", "unexpected argument"),
        ("transfer", "--to"),
        ("transfer --to two", "invalid digit"),
    ] {
        let (code, output) = run(&mut command(arguments));
        assert_eq!(code, 3, "{arguments}");
        assert!(output.contains(hint), "{arguments}: {output}");
    }
    let (code, output) = run(&mut command("status --help"));
    assert_eq!(code, 0);
    assert!(output.contains("2 it knows no leader"), "{output}");
    assert_eq!(run(&mut command("compare --nods 3")).0, 2);
}

// A node that has stopped may still serve HTTP. Its status must not say that it leads.
#[test]
fn the_status_of_a_stopped_node_says_so() {
    let runtime = Runtime::new().unwrap();
    let elector = node_without_peers(&runtime);
    let served = Served::new(&runtime, &elector, "127.0.0.1:0");
    runtime.block_on(elector.shutdown()).unwrap();
    let (code, output) = run(&mut served.command("status"));
    assert_eq!(code, 2, "{output}");
    assert!(
        output.contains("\nstopped    the node was shut down\n"),
        "{output}"
    );
}
