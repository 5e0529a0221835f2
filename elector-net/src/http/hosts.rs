use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use super::{routes::refusal, service::Service};

const FOREIGN: &str = "this service listens on loopback, and the request names another host: ask \
    for localhost or for a loopback address, as in http://127.0.0.1:7180, and let a proxy in \
    front set the header Host so; or allow the name: listen on it with --http NAME:PORT, or in a \
    program with `Options::host`";

/// Answers only requests that name this machine. A page in a browser on this machine can have its
/// own name lead to 127.0.0.1, and would then read the answers as its own.
pub(super) async fn own_only(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let names = &service.shared().hosts;
    let named = request.headers().get_all(header::HOST).iter();
    let named = named.map(|host| host.to_str().ok().and_then(|host| host.parse().ok()));
    let targeted = request.uri().authority().cloned().map(Some);
    // No browser leaves it out.
    let own = |host: Option<Authority>| host.is_some_and(|host| is_own(host.host(), names));
    if named.chain(targeted).all(own) {
        next.run(request).await
    } else {
        refusal(StatusCode::MISDIRECTED_REQUEST, FOREIGN)
    }
}

/// Whether a host is this machine's loopback, or one of these names.
fn is_own(host: &str, names: &[String]) -> bool {
    let bare = host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut names = names.iter().map(String::as_str).chain(["localhost"]);
    names.any(|name| name.eq_ignore_ascii_case(host))
}
