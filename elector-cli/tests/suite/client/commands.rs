use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use serde_json::{Value, json};

use super::{Nodes, TOKEN, command, run};

// An operator transfers the leadership before maintenance. The token may be given in a file or in a
// variable, and both must work.
#[test]
fn a_leader_transfers_its_leadership_and_steps_down() {
    let (nodes, leader) = Nodes::elected(3);
    let successor = nodes.peer_of(leader);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let served = nodes.serve(leader);
    let mut transfer = served.command(&format!("transfer --to {successor}"));
    let (code, output) = run(transfer.arg("--token-file").arg(file.path()));
    assert_eq!(code, 0, "{output}");
    assert!(
        output.contains(&format!("leadership to node {successor}")),
        "{output}"
    );
    assert!(
        output.contains(&format!("node {successor} leads epoch ")),
        "{output}"
    );

    // The command has waited until the successor leads.
    assert_eq!(nodes.elector(successor).status().leader, Some(successor));
    let served_successor = nodes.serve(successor);
    let mut step_down = served_successor.command("step-down");
    let (code, output) = run(step_down.env("ELECTOR_TOKEN", TOKEN));
    assert_eq!((code, output.as_str()), (0, "the node has stepped down\n"));
}

/// Starts a server that answers like node 1, which led epoch 7. It accepts a transfer, and then
/// reports this leader and epoch as its status.
fn pretend_node(leader: &Value, epoch: u64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let status = json!({
        "node": 1, "name": "1", "cluster": "billing", "algorithm": "raft", "guarantee": "quorum",
        "version": "0.1.0", "instance": "00000000000000ab", "uptime_ms": 3, "stopped": null,
        "role": "follower", "leader": leader, "leader_name": null, "epoch": epoch,
        "holds_leadership": false, "lease_remaining_ms": null,
        "since": "2026-01-02T03:04:05.678Z", "members": [1, 2, 3], "peers": null,
        "traffic": {"handled": 4, "sent": 3, "undelivered": 2, "refused": 1}
    });
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &status);
        }
    });
    address
}

fn answer(mut stream: TcpStream, status: &Value) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let Some(first) = lines.next() else {
        return;
    };
    // This loop reads the rest of the head of the request. There is no body.
    while lines.next().is_some_and(|line| !line.is_empty()) {}
    let body = if first.starts_with("POST /v1/transfer?to=2 ") {
        json!({ "done": true, "epoch": 7 })
    } else {
        status.clone()
    };
    let body = body.to_string();
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{body}");
}

// The node that should lead next may not answer, and another node may be elected. A script must see
// this from the exit code before it continues.
#[test]
fn the_exit_code_of_a_transfer_is_its_outcome() {
    for (leader, epoch, more, expected_code, expected) in [
        (json!(2), 8, "", 0, "node 2 leads epoch 8\n"),
        (
            json!(3),
            8,
            "",
            2,
            "node 3 leads epoch 8, instead of node 2\n",
        ),
        (
            json!(1),
            8,
            "",
            2,
            "node 1 leads epoch 8, instead of node 2\n",
        ),
        (
            json!(1),
            7,
            "--wait-ms=200",
            2,
            "node 1 still leads after 200ms, in epoch 7\n",
        ),
        (
            json!(null),
            8,
            "--wait-ms=200",
            3,
            "node 1 knows no leader after 200ms",
        ),
        (
            json!(null),
            8,
            "--no-wait",
            0,
            "the node is transferring its leadership to node 2\n",
        ),
    ] {
        let address = pretend_node(&leader, epoch).to_string();
        let mut transfer = command("transfer --to 2 --http");
        transfer
            .arg(&address)
            .args((!more.is_empty()).then_some(more));
        let (code, output) = run(transfer.env("ELECTOR_TOKEN", TOKEN));
        assert_eq!(code, expected_code, "{output}");
        assert!(output.contains(expected), "{output}");
    }
}

// Each failure needs another action of the operator, so each error must name its reason.
#[test]
fn errors_of_commands_name_the_reason() {
    let (nodes, leader) = Nodes::elected(3);
    let served = nodes.serve(nodes.peer_of(leader));
    let (code, output) = run(&mut served.command("step-down"));
    assert_eq!(code, 3);
    assert!(output.contains("set ELECTOR_TOKEN"), "{output}");
    let (code, output) = run(served.command("step-down").env("ELECTOR_TOKEN", "short"));
    assert_eq!(code, 3);
    assert!(output.contains("too short"), "{output}");
    let (code, output) = run(served
        .command("step-down --token-file /nowhere/token")
        .env("ELECTOR_TOKEN", TOKEN));
    assert_eq!(code, 3);
    assert!(output.contains("/nowhere/token"), "{output}");
    let wrong = "another-token-altogether";
    let (code, output) = run(served.command("step-down").env("ELECTOR_TOKEN", wrong));
    assert_eq!(code, 3);
    assert!(
        output.contains("401") && !output.contains(wrong),
        "{output}"
    );
    for arguments in ["step-down", "transfer --to 9"] {
        let (code, output) = run(served.command(arguments).env("ELECTOR_TOKEN", TOKEN));
        assert_eq!(code, 1, "{output}");
        assert!(output.starts_with("refused: "), "{output}");
    }
    assert_eq!(nodes.cluster.agreed(), Some(leader));
}

// Users paste the output of `--help` into tickets, so it must not contain the token.
#[test]
fn the_help_does_not_show_the_token() {
    let mut help = command("step-down --help");
    let (code, output) = run(help.env("ELECTOR_TOKEN", TOKEN));
    assert_eq!(code, 0);
    assert!(
        output.contains("ELECTOR_TOKEN") && !output.contains(TOKEN),
        "{output}"
    );
}
