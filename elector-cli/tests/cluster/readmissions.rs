//! Nodes are killed and come back with empty disks, again and again, while the leader runs a
//! command.
//!
//! Two commands must never be alive at the same time, and fencing tokens must never go back. After
//! each node is readmitted, all nodes must vote again.

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

// A cluster of three survives the loss of one disk, so each readmission must be complete before the
// next disk is lost.
#[test]
fn raft_3() {
    readmissions("raft", 3);
}

// With five nodes, each loss of a disk can be followed by an election with another majority. Two
// commands must still never run at the same time.
#[test]
fn raft_5() {
    readmissions("raft", 5);
}

// Under Paxos, no disk contains the leader of an epoch: the leader follows only from what a
// majority has accepted. New voters have accepted nothing, and must not choose another leader in
// the same epoch.
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
    // As long as the list of members does not contain the disk id of each voter, the leader cannot
    // distinguish a new disk from the disk that was lost.
    until("the list names all disks", || {
        let all = trial.cluster.nodes();
        let lists = all.iter().map(|&node| members(&trial, node));
        lists
            .into_iter()
            .any(|list| !list.is_empty() && list.iter().all(|member| !member["disk"].is_null()))
    });
    let mut times = Vec::new();
    for round in 0..full.unwrap_or(4) {
        // Each node in turn loses its disk, also the leader.
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

/// Kills a node, empties its disk, starts it again, and readmits it. Returns the time from the
/// start of the new process until all nodes vote.
fn replace_disk(trial: &mut Trial, victim: u64) -> Duration {
    let all = trial.cluster.nodes();
    trial.record(format!("node {victim} loses its disk"));
    trial.cluster.kill(victim);
    // The guardian of the killed node, a separate process, may still hold a file in the folder.
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
        // If the leader has changed, the command fails, but the change may still be completed.
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

/// Returns `true` if the node `leader` leads, lists `node` with this role, and has received an
/// answer from it.
fn has_role(trial: &Trial, leader: u64, node: u64, role: &str) -> bool {
    let members = members(trial, leader);
    let mut rows = members.iter().filter(|member| member["id"] == node);
    rows.any(|row| row["role"] == role && !row["heard_ms"].is_null())
}

/// Returns the members as this node lists them. Returns an empty list if the node does not lead, or
/// if a change is in progress.
fn members(trial: &Trial, node: u64) -> Vec<Value> {
    let http = trial.cluster.http(node);
    let (_, output) = finished(&mut elector(&["members", "--json", "--http", &http]));
    let report: Value = serde_json::from_str(&output).unwrap_or_default();
    let is_leader = report["leader"] == report["node"] && report["goal"].is_null();
    let members = report["members"].as_array().filter(|_| is_leader);
    members.cloned().unwrap_or_default()
}
