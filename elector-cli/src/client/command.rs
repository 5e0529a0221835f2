use elector_core::Epoch;
use elector_net::http::Token;
use serde::Deserialize as _;
use ureq::http::StatusCode;

use super::{api::Api, args::Secret, error::ClientError};
use crate::output;

/// Sends a command to a node. Prints `success` if the node has carried out the command, or else the
/// reason in the answer of the node. Returns the epoch in the answer, which for `step-down` and
/// `transfer` is the epoch whose leadership the node gives up. Returns `None` if the node refuses
/// the command.
pub(super) fn send(
    api: &Api,
    secret: &Secret,
    path: &str,
    success: &str,
) -> Result<Option<Epoch>, ClientError> {
    send_with(api, secret, path, "", success)
}

/// Does the same as [`send`], with `json` as the body of the request. No body is sent if `json` is
/// empty.
pub(super) fn send_with(
    api: &Api,
    secret: &Secret,
    path: &str,
    json: &str,
    success: &str,
) -> Result<Option<Epoch>, ClientError> {
    let (status, body) = api.post(path, &token(secret)?, json)?;
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let message = match status {
        StatusCode::CONFLICT => {
            output::warn(&format!("refused: {}\n", text("error")));
            return Ok(None);
        }
        StatusCode::ACCEPTED => text("reason"),
        _ if body["done"] == true => success,
        _ => return Err(api.not_a_node(&body.to_string())),
    };
    output::warn(&format!("{message}\n"));
    let epoch = Epoch::deserialize(&body["epoch"]);
    epoch
        .map(Some)
        .map_err(|_| api.not_a_node(&body.to_string()))
}

fn token(secret: &Secret) -> Result<Token, ClientError> {
    if let Some(file) = &secret.token_file {
        return Ok(Token::read(file)?);
    }
    match secret.token.as_deref() {
        None | Some("") => Err(ClientError::NoToken),
        Some(token) => Ok(token.parse()?),
    }
}
