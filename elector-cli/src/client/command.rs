use std::process::ExitCode;

use elector_net::http::Token;
use ureq::http::StatusCode;

use super::{REFUSED, api::Api, args::Shown, error::ClientError};
use crate::output;

/// Gives a node a command, and tells what it says.
pub(super) fn give(
    address: &str,
    shown: &Shown,
    path: &str,
    done: &str,
) -> Result<ExitCode, ClientError> {
    let token = token(shown)?;
    let api = Api::new(address);
    let (status, body) = api.post(path, &token)?;
    let words = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    match status {
        StatusCode::CONFLICT => {
            output::warn(&format!("refused: {}\n", words("error")));
            Ok(ExitCode::from(REFUSED))
        }
        StatusCode::ACCEPTED => {
            output::warn(&format!("{}\n", words("reason")));
            Ok(ExitCode::SUCCESS)
        }
        _ if body["done"] == true => {
            output::warn(&format!("{done}\n"));
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(api.stranger(&body.to_string())),
    }
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
