use std::future::Future;

use axum::{
    body::{Body, to_bytes},
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use elector_core::{NodeId, actor::CommandError};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{
    routes::{answer, refusal},
    service::{Service, Shared},
};

/// The most that the body of a command may have: it has one number.
const MOST_BYTES: usize = 4096;

/// To which node: `?to=2`, or `{"to": 2}`.
#[derive(Debug, Deserialize)]
pub(super) struct Target {
    to: Option<NodeId>,
}

/// `POST /v1/step-down`.
pub(super) async fn step_down(State(service): State<Service>, headers: HeaderMap) -> Response {
    let shared = service.shared();
    if let Err(refused) = admit(shared, &headers) {
        return *refused;
    }
    tracing::info!(node = shared.watched.me().0, "told over HTTP to step down");
    carry_out(shared, shared.watched.node.step_down()).await
}

/// `POST /v1/transfer`.
pub(super) async fn transfer(
    State(service): State<Service>,
    target: Result<Query<Target>, QueryRejection>,
    request: Request,
) -> Response {
    let shared = service.shared();
    // Before a byte of the body is read, or a word said about the query.
    if let Err(refused) = admit(shared, request.headers()) {
        return *refused;
    }
    let to = match target {
        Ok(Query(Target { to: Some(to) })) => Ok(to),
        Ok(Query(Target { to: None })) => in_body(shared, request.into_body()).await,
        Err(error) => Err(error.body_text()),
    };
    let to = match to {
        Ok(to) => to,
        Err(reason) => {
            let reason = format!("to which node? Say ?to=ID, or {{\"to\": ID}}: {reason}");
            return refusal(StatusCode::BAD_REQUEST, &reason);
        }
    };
    tracing::info!(node = shared.watched.me().0, %to, "told over HTTP to transfer leadership");
    carry_out(shared, shared.watched.node.transfer_to(to)).await
}

async fn in_body(shared: &Shared, body: Body) -> Result<NodeId, String> {
    let read = timeout(shared.limits.request, to_bytes(body, MOST_BYTES)).await;
    let bytes = match read {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(format!("the body cannot be read: {error}")),
        Err(_) => return Err("the body did not arrive in time".to_owned()),
    };
    if bytes.is_empty() {
        return Err("neither was said".to_owned());
    }
    let target: Target = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    target.to.ok_or_else(|| "neither was said".to_owned())
}

/// Whether this request may change something.
fn admit(shared: &Shared, headers: &HeaderMap) -> Result<(), Box<Response>> {
    let Some(token) = &shared.token else {
        return Err(Box::new(refusal(
            StatusCode::FORBIDDEN,
            "this node takes no commands over HTTP, for no bearer token is configured: give it \
             one, with ELECTOR_TOKEN or --token-file, or in a program with `Options::token`",
        )));
    };
    if shown(headers).is_some_and(|shown| token.matches(shown)) {
        return Ok(());
    }
    if shared.usage.unauthorized.inc() == 0 {
        // Once: whoever tries again and again must not fill the log. The metric counts.
        tracing::warn!(
            node = shared.watched.me().0,
            "a command over HTTP was refused for its token"
        );
    }
    let mut response = refusal(
        StatusCode::UNAUTHORIZED,
        "a command needs the node's bearer token: Authorization: Bearer TOKEN",
    );
    let scheme = HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    Err(Box::new(response))
}

/// The bearer token that a request shows; of two, none counts.
fn shown(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (all.next()?, all.next()) else {
        return None;
    };
    let (scheme, shown) = only.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(shown)
}

/// The node carries it out also if the asker has gone.
async fn carry_out(
    shared: &Shared,
    command: impl Future<Output = Result<(), CommandError>>,
) -> Response {
    // Read before the command begins: a later leader has another epoch.
    let epoch = shared.watched.node.status().epoch;
    match timeout(shared.limits.command, command).await {
        Ok(Ok(())) => answer(StatusCode::OK, &json!({ "done": true, "epoch": epoch })),
        Ok(Err(CommandError::Refused(reason))) => {
            refusal(StatusCode::CONFLICT, &reason.to_string())
        }
        Ok(Err(error)) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Err(_) => answer(
            StatusCode::ACCEPTED,
            &json!({
                "done": false,
                "epoch": epoch,
                "reason": "the node has begun, and waits for the work of the leader to end",
            }),
        ),
    }
}
