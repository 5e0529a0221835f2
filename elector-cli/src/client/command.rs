use elector_core::Epoch;
use elector_net::http::Token;
use serde::Deserialize as _;
use ureq::http::StatusCode;

use super::{api::Api, args::Shown, error::ClientError};
use crate::output;

/// Gives a node a command, and tells what it says. If it takes the command, this is the epoch whose
/// leadership it gives up; `None` if it refuses.
pub(super) fn give(
    api: &Api,
    shown: &Shown,
    path: &str,
    done: &str,
) -> Result<Option<Epoch>, ClientError> {
    let (status, body) = api.post(path, &token(shown)?)?;
    let words = |key: &str| body[key].as_str().unwrap_or_default();
    let told = match status {
        StatusCode::CONFLICT => {
            output::warn(&format!("refused: {}\n", words("error")));
            return Ok(None);
        }
        StatusCode::ACCEPTED => words("reason"),
        _ if body["done"] == true => done,
        _ => return Err(api.stranger(&body.to_string())),
    };
    output::warn(&format!("{told}\n"));
    let epoch = Epoch::deserialize(&body["epoch"]);
    epoch.map(Some).map_err(|_| api.stranger(&body.to_string()))
}

fn token(shown: &Shown) -> Result<Token, ClientError> {
    if let Some(file) = &shown.token_file {
        return Ok(Token::read(file)?);
    }
    match shown.token.as_deref() {
        None | Some("") => Err(ClientError::NoToken),
        Some(token) => Ok(token.parse()?),
    }
}
