use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use serde_json::{Value, json};

use crate::{Nodes, TOKEN, command, run};

// An operator hands the leadership over before maintenance: it must work, from either kind of
// secret.
#[test]
fn a_leader_is_told_to_hand_over_and_to_step_down() {
    let (nodes, leader) = Nodes::elected(3);
    let heir = nodes.other(leader);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let served = nodes.serve(leader);
    let mut transfer = served.command(&format!("transfer --to {heir}"));
    let (code, told) = run(transfer.arg("--token-file").arg(file.path()));
    assert_eq!(code, 0, "{told}");
    assert!(told.contains(&format!("leadership to {heir}")), "{told}");
    assert!(
        told.contains(&format!("node {heir} leads epoch ")),
        "{told}"
    );

    // It leads already.
    assert_eq!(nodes.elector(heir).status().leader, Some(heir));
    let heirs = nodes.serve(heir);
    let mut step_down = heirs.command("step-down");
    let (code, told) = run(step_down.env("ELECTOR_TOKEN", TOKEN));
    assert_eq!((code, told.as_str()), (0, "the node has stepped down\n"));
}

/// Something that takes a transfer of epoch 7 as node 1 does, and then says this of the leader.
fn pretending(leader: &Value, epoch: u64) -> SocketAddr {
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
    // The rest of the head; there is no body.
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

// The node that was named may not answer: a script that goes on must know that another was elected.
#[test]
fn a_transfer_ends_by_its_outcome() {
    for (leader, epoch, more, expected, hint) in [
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
        let address = pretending(&leader, epoch).to_string();
        let mut transfer = command("transfer --to 2 --http");
        transfer
            .arg(&address)
            .args((!more.is_empty()).then_some(more));
        let (code, told) = run(transfer.env("ELECTOR_TOKEN", TOKEN));
        assert_eq!(code, expected, "{told}");
        assert!(told.contains(hint), "{told}");
    }
}

// Each way to fail has another remedy.
#[test]
fn what_is_not_done_is_told_why() {
    let (nodes, leader) = Nodes::elected(3);
    let served = nodes.serve(nodes.other(leader));
    let (code, told) = run(&mut served.command("step-down"));
    assert_eq!(code, 3);
    assert!(told.contains("set ELECTOR_TOKEN"), "{told}");
    let (code, told) = run(served.command("step-down").env("ELECTOR_TOKEN", "short"));
    assert_eq!(code, 3);
    assert!(told.contains("too short"), "{told}");
    let (code, told) = run(served
        .command("step-down --token-file /nowhere/token")
        .env("ELECTOR_TOKEN", TOKEN));
    assert_eq!(code, 3);
    assert!(told.contains("/nowhere/token"), "{told}");
    let wrong = "another-token-altogether";
    let (code, told) = run(served.command("step-down").env("ELECTOR_TOKEN", wrong));
    assert_eq!(code, 3);
    assert!(told.contains("401") && !told.contains(wrong), "{told}");
    for arguments in ["step-down", "transfer --to 9"] {
        let (code, told) = run(served.command(arguments).env("ELECTOR_TOKEN", TOKEN));
        assert_eq!(code, 1, "{told}");
        assert!(told.starts_with("refused: "), "{told}");
    }
    assert_eq!(nodes.cluster.agreed(), Some(leader));
}

// `--help` is pasted into tickets.
#[test]
fn the_help_does_not_show_the_token() {
    let mut help = command("step-down --help");
    let (code, told) = run(help.env("ELECTOR_TOKEN", TOKEN));
    assert_eq!(code, 0);
    assert!(
        told.contains("ELECTOR_TOKEN") && !told.contains(TOKEN),
        "{told}"
    );
}
