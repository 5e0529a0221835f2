use std::collections::BTreeMap;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    response::Response,
};
use elector_core::{MembersChange, MembersReport, NodeId, Refusal, actor::CommandError};
use serde_json::json;
use tokio::time::timeout;

use super::{
    commands::{body_of, carry_out, check_token},
    members_report::{MembersRequest, MembersStatus, roster_id},
    routes::{error_response, json_response},
    service::{Service, Shared},
};

/// The maximum length in bytes of the body of a request to change the members. The body is a list
/// of nodes with their addresses.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The answer to a request that the service cannot carry out: the status code and the reason.
type Wrong = (StatusCode, String);

/// Handles `GET /v1/members`: returns the members of the cluster, as far as this node knows them.
pub(super) async fn show(State(service): State<Service>) -> Response {
    let shared = service.shared();
    match members(shared).await {
        Ok(report) => json_response(StatusCode::OK, &status(shared, &report)),
        Err((code, reason)) => error_response(code, &reason),
    }
}

/// Handles `POST /v1/members`: begins a change of the members.
pub(super) async fn change(State(service): State<Service>, request: Request) -> Response {
    let shared = service.shared();
    // The token is checked before the body is read.
    if let Err(response) = check_token(shared, request.headers()) {
        return *response;
    }
    let change = match read(shared, request).await {
        Ok(change) => change,
        Err((code, reason)) => return error_response(code, &reason),
    };
    let goal = change.to_string();
    let readmit = MembersChange::to(change.readmit.clone()).to_string();
    tracing::info!(
        node = shared.node.me().0,
        goal,
        readmit,
        "change of the members requested over HTTP"
    );
    let asked = carry_out(shared, shared.node.handle.change_members(change)).await;
    if asked.status() != StatusCode::OK {
        return asked;
    }
    let epoch = shared.node.handle.status().epoch;
    let reason = format!("the change to {goal} has begun");
    let body = json!({ "done": false, "epoch": epoch, "reason": reason });
    json_response(StatusCode::ACCEPTED, &body)
}

async fn read(shared: &Shared, request: Request) -> Result<MembersChange, Wrong> {
    let wrong = |reason: String| (StatusCode::BAD_REQUEST, reason);
    let body = body_of(shared, request.into_body(), MAX_BODY_BYTES).await;
    let body = body.map_err(wrong)?;
    let asked: MembersRequest = serde_json::from_slice(&body).map_err(|error| {
        wrong(format!(
            "send a body such as {{\"goal\": [1, 2, 3]}}: {error}"
        ))
    })?;
    let report = members(shared).await?;
    let if_roster = asked.if_roster.as_deref().map(roster_id).transpose();
    let if_roster = if_roster.map_err(wrong)?;
    check_addresses(shared, &report, &asked)?;
    Ok(MembersChange {
        goal: asked.goal.into(),
        readmit: asked.readmit.into(),
        if_roster,
    })
}

/// Checks that this node knows an address of each node of the goal, which is the list of voters
/// that the request asks for. Stores the addresses that the request names.
fn check_addresses(
    shared: &Shared,
    report: &MembersReport,
    asked: &MembersRequest,
) -> Result<(), Wrong> {
    let is_member = |node: NodeId| report.members.iter().any(|member| member.node == node);
    for &node in &asked.goal {
        let named = asked.addresses.get(&node);
        let known = shared.node.address_of(node);
        match (named, known) {
            (Some(named), Some(known)) if *named != known && is_member(node) => {
                let reason = format!(
                    "node {node} is a member already, at {known}: to move it, start it with its \
                     new address; for another node, take another id"
                );
                return Err((StatusCode::CONFLICT, reason));
            }
            (Some(named), _) if !shared.node.add_address(node, named) => {
                let reason = format!(
                    "{named:?} cannot be used as the address of node {node}: write HOST:PORT, and \
                     check whether this node is configured with another address"
                );
                return Err((StatusCode::BAD_REQUEST, reason));
            }
            (None, None) if !is_member(node) && node != shared.node.me() => {
                let reason = format!(
                    "node {node} is unknown: start it with --join, or name its address, as in \
                     {node}=HOST:PORT"
                );
                return Err((StatusCode::BAD_REQUEST, reason));
            }
            _ => {}
        }
    }
    Ok(())
}

async fn members(shared: &Shared) -> Result<MembersReport, Wrong> {
    let report = shared.node.handle.members_report();
    let answer = timeout(shared.limits.liveness, report).await;
    answer
        .unwrap_or(Err(CommandError::Refused(Refusal::Other(
            "the thread of the node does not answer: it waits for its disk, or gets no CPU time",
        ))))
        .map_err(|error| match error {
            CommandError::Refused(Refusal::MembersAreFixed) => {
                let reason = format!("{}: {FIXED}", Refusal::MembersAreFixed);
                (StatusCode::CONFLICT, reason)
            }
            error => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        })
}

/// The advice for an algorithm whose members are fixed.
const FIXED: &str = "stop all nodes and use `elector record set`, or use Raft or Paxos";

fn status(shared: &Shared, report: &MembersReport) -> MembersStatus {
    let node = &shared.node;
    let peers = node.connections().unwrap_or_default();
    let silent: BTreeMap<NodeId, u64> = peers
        .iter()
        .filter_map(|peer| Some((peer.id, peer.silent_ms?)))
        .collect();
    let leader = node.current().status.leader;
    MembersStatus::new(node.me(), leader, report, |id| node.address_of(id), &silent)
}
