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

use super::{commands, events, hosts, metrics, service::Service};

/// What there is, for those who ask for something else.
const ROUTES: &str = "/, /leader, /follower, /v1/status, /v1/events, /livez, /readyz, /metrics; \
    POST /v1/step-down, POST /v1/transfer?to=ID";

/// All routes; on loopback for those only who ask for this machine.
pub(super) fn router(service: Service, on_loopback: bool) -> Router {
    let mut router = Router::new()
        .route("/", get(root))
        .route("/leader", get(leader))
        .route("/follower", get(follower))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .route("/v1/status", get(status))
        .route("/v1/events", get(events::stream))
        .route("/v1/step-down", post(commands::step_down))
        .route("/v1/transfer", post(commands::transfer))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method);
    if on_loopback {
        router = router.layer(from_fn_with_state(service.clone(), hosts::own_only));
    }
    router.layer(map_response(unstored)).with_state(service)
}

async fn root(State(service): State<Service>) -> Response {
    let watched = &service.shared().watched;
    answer(StatusCode::OK, &watched.leader_report(&watched.present()))
}

/// 200 where the leadership is held at this moment: a lease that has run out does not count.
async fn leader(State(service): State<Service>) -> Response {
    let watched = &service.shared().watched;
    let present = watched.present();
    answer(ok_if(present.holds), &watched.leader_report(&present))
}

/// 200 where another node is followed.
async fn follower(State(service): State<Service>) -> Response {
    let watched = &service.shared().watched;
    let present = watched.present();
    let status = &present.status;
    let follows = status.role == Role::Follower && status.leader.is_some();
    answer(ok_if(follows), &watched.leader_report(&present))
}

async fn status(State(service): State<Service>) -> Response {
    answer(
        StatusCode::OK,
        &service.shared().watched.status_report().await,
    )
}

async fn livez(State(service): State<Service>) -> Response {
    let shared = service.shared();
    let failure = shared.watched.failure(shared.limits.liveness).await;
    probe(failure.as_deref())
}

/// Ready is a node that can do its part of an election: it runs, and knows a leader or reaches a
/// majority. A leaderless cluster that is about to elect is ready. A node that is cut off is not
/// ready, and a node that takes no leadership, because its work failed, is not ready either.
async fn readyz(State(service): State<Service>) -> Response {
    let shared = service.shared();
    let watched = &shared.watched;
    if let Some(reason) = watched.failure(shared.limits.liveness).await {
        return probe(Some(&reason));
    }
    let status = watched.present().status;
    if status.work.is_withdrawn {
        let failure = status.work.failure.as_deref().unwrap_or("the work failed");
        let reason = format!(
            "this node takes no leadership, because its work failed too often: {failure}; mend the \
             cause, and restart the process"
        );
        return probe(Some(&reason));
    }
    let ready = status.leader.is_some() || watched.reaches_majority();
    let reason = "no leader is known, and no majority of the nodes is connected";
    probe((!ready).then_some(reason))
}

async fn scrape(State(service): State<Service>, headers: HeaderMap) -> Response {
    const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|accept| accept.to_str().ok());
    let open = accepted.any(|accept| accept.contains("application/openmetrics-text"));
    match metrics::exposition(&service.shared().registry, open) {
        Ok(text) => {
            let kind = if open { OPEN } else { PLAIN };
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "a metric that the application registered cannot be written",
        ),
    }
}

async fn unknown(uri: Uri) -> Response {
    let reason = format!("there is no {}; there is {ROUTES}", uri.path());
    refusal(StatusCode::NOT_FOUND, &reason)
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let reason = format!("{} does not take {method}; there is {ROUTES}", uri.path());
    refusal(StatusCode::METHOD_NOT_ALLOWED, &reason)
}

/// What is true now must not come from a cache later.
async fn unstored(mut response: Response) -> Response {
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
    answer(status, &json!({ "ok": reason.is_none(), "reason": reason }))
}

/// An answer in JSON, a line of its own on a terminal.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    const JSON: [(HeaderName, HeaderValue); 1] = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    match serde_json::to_string(body) {
        Ok(text) => (status, JSON, text + "\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// An answer that says why not.
pub(super) fn refusal(status: StatusCode, reason: &str) -> Response {
    answer(status, &json!({ "error": reason }))
}
