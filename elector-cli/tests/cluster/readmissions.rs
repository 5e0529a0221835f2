//! Nodes that are killed, and that come back with empty disks, again and again, while the leader
//! runs a command.
//!
//! Two commands must never be alive at the same time, and tokens must never go back. After each
//! readmission, all nodes must vote again.

use std::{
    fs,
    time::{Duration, Instant},
};

use elector_core::GuaranteeKind;
use serde_json::Value;

use crate::{
    alone,
    chaos::{PATIENT, Trial},
    child,
    cluster::Setup,
    command::{elector, finished},
    number_from, until,
};

// Three nodes survive the loss of one disk, so each readmission must be complete before the next
// loss.
#[test]
fn raft_3() {
    readmissions("raft", 3);
}

// With five nodes, the majority changes between losses.
#[test]
fn raft_5() {
    readmissions("raft", 5);
}

// A leader that was chosen by Paxos is not durable, so new voters must not choose another one.
#[test]
fn paxos_3() {
    readmissions("paxos", 3);
}

fn readmissions(algorithm: &'static str, nodes: u64) {
    let _alone = alone();
    let full = number_from::<u64>("ELECTOR_READMISSIONS");
    let mut trial = Trial::start(Setup {
        command: child::command(),
        settings: if full.is_some() { "" } else { PATIENT }.to_owned(),
        has_http: true,
        ..Setup::new(algorithm, nodes)
    });
    trial.converge();
    // Before the list names the disks, a lost disk cannot be distinguished from a new one.
    until("the list names all disks", || {
        let all = trial.cluster.nodes();
        let lists = all.iter().map(|&node| members(&trial, node));
        lists
            .into_iter()
            .any(|list| !list.is_empty() && list.iter().all(|member| !member["disk"].is_null()))
    });
    let mut times = Vec::new();
    for round in 0..full.unwrap_or(4) {
        // The disk of the leader is lost, too.
        times.push(replace_disk(&mut trial, round % nodes + 1));
        trial.converge();
        trial.check(GuaranteeKind::Quorum);
    }
    times.sort_unstable();
    println!(
        "{algorithm}, n = {nodes}: {} disks replaced, {} writes; from the start of the new process \
         to full strength: median {:?}, at most {:?}",
        times.len(),
        trial.findings.writes,
        times[times.len() / 2],
        times[times.len() - 1]
    );
}

/// Kills a node, empties its disk, and readmits it. Returns the time from the start of the new
/// process until all nodes vote.
fn replace_disk(trial: &mut Trial, victim: u64) -> Duration {
    let all = trial.cluster.nodes();
    trial.record(format!("node {victim} loses its disk"));
    trial.cluster.kill(victim);
    // The guardian may still hold a file in the folder.
    until("the folder can be removed", || {
        let _ = fs::remove_dir_all(trial.cluster.path(&victim.to_string()));
        !trial.cluster.path(&victim.to_string()).exists()
    });
    let (code, output) = finished(trial.cluster.bare("node", victim).arg("--init"));
    assert_eq!(code, 0, "{output}");
    let begun = Instant::now();
    trial.cluster.spawn(victim);
    let mut leader = None;
    until("the leader knows the new disk", || {
        leader = all
            .iter()
            .copied()
            .find(|&node| has_role(trial, node, victim, "observer"));
        leader.is_some()
    });
    until("the node is readmitted", || {
        let node = leader.unwrap_or(1);
        let http = trial.cluster.http(node);
        let mut command = elector(&["members", "readmit", &victim.to_string(), "--http", &http]);
        command.arg("--token-file").arg(trial.cluster.path("token"));
        let (code, output) = finished(&mut command);
        trial.record(format!("readmit at node {node}: {code} {output}"));
        // The leader may have changed. Then the change may be complete all the same.
        leader = all
            .iter()
            .copied()
            .find(|&node| has_role(trial, node, victim, "voter"));
        leader.is_some()
    });
    let took = begun.elapsed();
    let voters = members(trial, leader.unwrap_or(1));
    let voters = voters.iter().filter(|member| member["role"] == "voter");
    assert_eq!(voters.count(), all.len());
    took
}

/// Returns `true` if `leader` leads, and lists the node in this role alone.
fn has_role(trial: &Trial, leader: u64, node: u64, role: &str) -> bool {
    let members = members(trial, leader);
    let mut rows = members.iter().filter(|member| member["id"] == node);
    rows.any(|row| row["role"] == role && !row["heard_ms"].is_null())
}

/// Returns the members as this node lists them, if it leads.
fn members(trial: &Trial, node: u64) -> Vec<Value> {
    let http = trial.cluster.http(node);
    let (_, output) = finished(&mut elector(&["members", "--json", "--http", &http]));
    let report: Value = serde_json::from_str(&output).unwrap_or_default();
    let is_leader = report["leader"] == report["node"] && report["goal"].is_null();
    let members = report["members"].as_array().filter(|_| is_leader);
    members.cloned().unwrap_or_default()
}
