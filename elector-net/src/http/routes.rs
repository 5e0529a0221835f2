use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use elector_core::Role;
use serde::Serialize;
use serde_json::json;

use super::{commands, events, hosts, members, metrics, service::Service};

/// The list of routes, for the answers to wrong requests.
const ROUTES: &str = "/, /leader, /follower, /v1/status, /v1/members, /v1/events, /livez, \
    /readyz, /metrics; POST /v1/step-down, POST /v1/transfer?to=ID, POST /v1/members";

/// Whether the service checks the header `Host` of requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HostCheck {
    /// The service rejects requests that name a host other than this machine.
    ThisMachine,
    Off,
}

/// Returns all routes.
pub(super) fn router(service: Service, check: HostCheck) -> Router {
    let mut router = Router::new()
        .route("/", get(root))
        .route("/leader", get(leader))
        .route("/follower", get(follower))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .route("/v1/status", get(status))
        .route("/v1/members", get(members::show).post(members::change))
        .route("/v1/events", get(events::stream))
        .route("/v1/step-down", post(commands::step_down))
        .route("/v1/transfer", post(commands::transfer))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method);
    if check == HostCheck::ThisMachine {
        router = router.layer(from_fn_with_state(
            service.clone(),
            hosts::reject_other_hosts,
        ));
    }
    router.layer(map_response(no_store)).with_state(service)
}

async fn root(State(service): State<Service>) -> Response {
    let node = &service.shared().node;
    json_response(StatusCode::OK, &node.leader_report(&node.current()))
}

/// Returns 200 if the node holds the leadership now. A lease that has ended does not count.
async fn leader(State(service): State<Service>) -> Response {
    let node = &service.shared().node;
    let current = node.current();
    json_response(ok_if(current.holds), &node.leader_report(&current))
}

/// Returns 200 if the node follows another node.
async fn follower(State(service): State<Service>) -> Response {
    let node = &service.shared().node;
    let current = node.current();
    let status = &current.status;
    let follows = status.role == Role::Follower && status.leader.is_some();
    json_response(ok_if(follows), &node.leader_report(&current))
}

async fn status(State(service): State<Service>) -> Response {
    json_response(StatusCode::OK, &service.shared().node.status_report().await)
}

async fn livez(State(service): State<Service>) -> Response {
    let shared = service.shared();
    let failure = shared.node.failure(shared.limits.liveness).await;
    probe(failure.as_deref())
}

/// Returns 200 if the node can take part in an election: the node runs and votes, and it knows a
/// leader or is connected to a majority of the voters. So the nodes of a cluster that is about to
/// elect are ready, and a disconnected node is not ready. A node that takes no leadership, because
/// its work failed too often, is not ready either.
async fn readyz(State(service): State<Service>) -> Response {
    let shared = service.shared();
    let node = &shared.node;
    if let Some(reason) = node.failure(shared.limits.liveness).await {
        return probe(Some(&reason));
    }
    let status = node.current().status;
    if status.work.is_withdrawn {
        let failure = status.work.failure.as_deref().unwrap_or("the work failed");
        let reason = format!(
            "this node takes no leadership, because its work failed too often: {failure}; fix the \
             cause, and restart the process"
        );
        return probe(Some(&reason));
    }
    if !node.handle.votes() {
        let reason = "this node is an observer, and does not vote: see `elector members` at the \
                      leader";
        return probe(Some(reason));
    }
    let ready = status.leader.is_some() || node.reaches_majority().await;
    let reason = "this node knows no leader, and is not connected to a majority of the nodes";
    probe((!ready).then_some(reason))
}

async fn scrape(State(service): State<Service>, headers: HeaderMap) -> Response {
    const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|accept| accept.to_str().ok());
    let open = accepted.any(|accept| accept.contains("application/openmetrics-text"));
    let registry = &service.shared().registry;
    let (kind, encoded) = match open {
        true => (OPEN, metrics::open_metrics(registry)),
        false => (PLAIN, metrics::prometheus(registry)),
    };
    match encoded {
        Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Err(_) => error_response(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a metric of the application cannot be encoded",
        ),
    }
}

async fn unknown(uri: Uri) -> Response {
    let reason = format!("there is no route {}; the routes are {ROUTES}", uri.path());
    error_response(StatusCode::NOT_FOUND, &reason)
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let reason = format!(
        "{} does not allow {method}; the routes are {ROUTES}",
        uri.path()
    );
    error_response(StatusCode::METHOD_NOT_ALLOWED, &reason)
}

/// Adds headers that forbid the client to cache an answer, because an answer describes the present
/// state.
async fn no_store(mut response: Response) -> Response {
    const NOSNIFF: (HeaderName, HeaderValue) = (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    const NO_STORE: (HeaderName, HeaderValue) =
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().extend([NOSNIFF, NO_STORE]);
    response
}

fn ok_if(condition: bool) -> StatusCode {
    if condition {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

fn probe(reason: Option<&str>) -> Response {
    let status = ok_if(reason.is_none());
    json_response(status, &json!({ "ok": reason.is_none(), "reason": reason }))
}

/// Returns a JSON answer that ends with a new line, for terminals.
pub(super) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    const JSON: [(HeaderName, HeaderValue); 1] = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    match serde_json::to_string(body) {
        Ok(text) => (status, JSON, text + "\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Returns an answer with the reason for an error.
pub(super) fn error_response(status: StatusCode, reason: &str) -> Response {
    json_response(status, &json!({ "error": reason }))
}
