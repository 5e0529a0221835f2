use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};

use super::{routes::error_response, service::Service};

const WRONG_HOST: &str = "this service listens on loopback, and the request names another host: \
    use localhost or a loopback address, as in http://127.0.0.1:7180, and make a proxy in front \
    set the header Host to it; or allow the name: listen on it with --http NAME:PORT, or in a \
    program use `Options::host`";

/// Rejects requests that name a host other than this machine. Otherwise a web page of another host,
/// in a browser on this machine, could read the answers of this service: the owner of the page can
/// let the name of that host resolve to 127.0.0.1 (DNS rebinding).
pub(super) async fn reject_other_hosts(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let names = &service.shared().hosts;
    let named = request.headers().get_all(header::HOST).iter();
    let named = named.map(|host| host.to_str().ok().and_then(|host| host.parse().ok()));
    let targeted = request.uri().authority().cloned().map(Some);
    // A request that names no host is allowed: it does not come from a browser, because browsers
    // always send the header `Host`.
    let is_own =
        |host: Option<Authority>| host.is_some_and(|host| is_allowed_host(host.host(), names));
    if named.chain(targeted).all(is_own) {
        next.run(request).await
    } else {
        error_response(StatusCode::MISDIRECTED_REQUEST, WRONG_HOST)
    }
}

/// Returns `true` if `host` is a loopback address, `localhost` or one of `names`.
fn is_allowed_host(host: &str, names: &[String]) -> bool {
    let bare = host.strip_prefix('[').and_then(|v6| v6.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut names = names.iter().map(String::as_str).chain(["localhost"]);
    names.any(|name| name.eq_ignore_ascii_case(host))
}
