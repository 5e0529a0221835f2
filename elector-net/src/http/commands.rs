use std::future::Future;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use elector_core::{NodeId, actor::CommandError};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;

use super::{
    routes::{error_response, json_response},
    service::{Service, Shared},
};

/// The maximum length in bytes of the body of a request to transfer the leadership. The body
/// contains one number.
const MAX_BODY_BYTES: usize = 4096;

/// The node to which a request transfers the leadership. The request contains it as `?to=2`, or in
/// the body as `{"to": 2}`.
#[derive(Debug, Deserialize)]
pub(super) struct Target {
    to: Option<NodeId>,
}

/// Handles `POST /v1/step-down`: makes this node give up its leadership.
pub(super) async fn step_down(State(service): State<Service>, headers: HeaderMap) -> Response {
    let shared = service.shared();
    if let Err(response) = check_token(shared, &headers) {
        return *response;
    }
    tracing::info!(node = shared.node.me().0, "step-down requested over HTTP");
    carry_out(shared, shared.node.handle.step_down()).await
}

/// Handles `POST /v1/transfer`: makes this node give up its leadership in favour of a given node.
pub(super) async fn transfer(
    State(service): State<Service>,
    target: Result<Query<Target>, QueryRejection>,
    request: Request,
) -> Response {
    let shared = service.shared();
    // The token is checked before the body is read, and before errors of the query are reported.
    if let Err(response) = check_token(shared, request.headers()) {
        return *response;
    }
    let to = match target {
        Ok(Query(Target { to: Some(to) })) => Ok(to),
        Ok(Query(Target { to: None })) => target_in_body(shared, request.into_body()).await,
        Err(error) => Err(error.body_text()),
    };
    let to = match to {
        Ok(to) => to,
        Err(reason) => {
            let reason = format!("name the node with ?to=ID, or {{\"to\": ID}}: {reason}");
            return error_response(StatusCode::BAD_REQUEST, &reason);
        }
    };
    tracing::info!(node = shared.node.me().0, %to, "leadership transfer requested over HTTP");
    carry_out(shared, shared.node.handle.transfer_to(to)).await
}

/// Returns the body of a command, of at most `most` bytes.
pub(super) async fn body_of(shared: &Shared, body: Body, most: usize) -> Result<Bytes, String> {
    match timeout(shared.limits.request, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(format!("the body cannot be read: {error}")),
        Err(_) => Err("the body did not arrive in time".to_owned()),
    }
}

async fn target_in_body(shared: &Shared, body: Body) -> Result<NodeId, String> {
    let bytes = body_of(shared, body, MAX_BODY_BYTES).await?;
    if bytes.is_empty() {
        return Err("the request names no node".to_owned());
    }
    let target: Target = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    target
        .to
        .ok_or_else(|| "the request names no node".to_owned())
}

/// Checks the bearer token of a request. If the request must be rejected, returns the answer to the
/// client as an error.
pub(super) fn check_token(shared: &Shared, headers: &HeaderMap) -> Result<(), Box<Response>> {
    let Some(token) = &shared.token else {
        return Err(Box::new(error_response(
            StatusCode::FORBIDDEN,
            "this node accepts no commands over HTTP, because no bearer token is configured: set \
             ELECTOR_TOKEN or --token-file, or in a program `Options::token`",
        )));
    };
    if bearer_token(headers).is_some_and(|sent| token.matches(sent)) {
        return Ok(());
    }
    if shared.usage.unauthorized.inc() == 0 {
        // Only the first rejection is logged: a client that retries must not fill the log. The
        // metric counts all rejections.
        tracing::warn!(
            node = shared.node.me().0,
            "HTTP command rejected: wrong or missing bearer token"
        );
    }
    let mut response = error_response(
        StatusCode::UNAUTHORIZED,
        "a command needs the node's bearer token: Authorization: Bearer TOKEN",
    );
    let scheme = HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    Err(Box::new(response))
}

/// Returns the bearer token of a request. Returns `None` if the request does not have exactly one
/// `Authorization` header, or if this header has no bearer token.
fn bearer_token(headers: &HeaderMap) -> Option<&[u8]> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (all.next()?, all.next()) else {
        return None;
    };
    let (scheme, token) = only.as_bytes().split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
}

/// Carries out a command, and waits until it is complete, but no longer than
/// [`Limits::command`](super::Limits::command). The node completes the command even if the client
/// disconnects.
pub(super) async fn carry_out(
    shared: &Shared,
    command: impl Future<Output = Result<(), CommandError>>,
) -> Response {
    // The epoch is read before the command begins, because the next leader has another epoch.
    let epoch = shared.node.handle.status().epoch;
    match timeout(shared.limits.command, command).await {
        Ok(Ok(())) => json_response(StatusCode::OK, &json!({ "done": true, "epoch": epoch })),
        Ok(Err(CommandError::Refused(reason))) => {
            error_response(StatusCode::CONFLICT, &reason.to_string())
        }
        Ok(Err(error)) => error_response(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Err(_) => json_response(
            StatusCode::ACCEPTED,
            &json!({
                "done": false,
                "epoch": epoch,
                "reason": "the node has begun, and waits until the work of the leader has ended",
            }),
        ),
    }
}
