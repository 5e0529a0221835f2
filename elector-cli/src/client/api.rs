use std::{io, time::Duration};

use elector_net::http::Token;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{
    Agent, Body, BodyReader, RequestBuilder,
    http::{Response, StatusCode, header},
    typestate::WithoutBody,
};

use super::error::ClientError;

/// The time limit to connect, after the lookup of the host name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for an answer that the node can give at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The time limit for the answer to a command such as `step-down`. The node answers when it has
/// carried out the command, or after 30 s at the latest (`Limits::command` of elector-net), so this
/// limit must be longer.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(45);
/// How long the stream of events may deliver nothing before the client takes the connection for
/// broken. A node without new events sends three comments in this time, so that the stream is not
/// silent.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(45);
/// The maximum length of the body of an answer.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// A client for the HTTP interface of one node.
#[derive(Debug)]
pub(super) struct Api {
    address: String,
    agent: Agent,
}

impl Api {
    pub(super) fn new(address: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // The variables of the environment that configure a proxy are meant for the web, and
            // not for nodes.
            .proxy(None)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("elector/", env!("CARGO_PKG_VERSION")));
        Self {
            address: address.to_owned(),
            agent: config.build().into(),
        }
    }

    /// Returns the body of the answer to a GET request. If the status code is no success, the
    /// answer is an error.
    pub(super) fn get(&self, path: &str) -> Result<String, ClientError> {
        self.get_within(path, ANSWER_TIMEOUT)
    }

    /// Does the same as [`get`](Self::get), but within `limit` if `limit` is shorter than
    /// [`ANSWER_TIMEOUT`].
    pub(super) fn get_within(&self, path: &str, limit: Duration) -> Result<String, ClientError> {
        let request = self.request(path).config();
        let limit = ANSWER_TIMEOUT.min(limit);
        let answer = request.timeout_global(Some(limit)).build().call();
        let (status, text) = self.text(answer)?;
        if status.is_success() {
            return Ok(text);
        }
        Err(self.rejection(status, &text))
    }

    /// Sends a command with the body `json`, or without a body if `json` is empty. Returns the
    /// status code and the JSON of the answer. The status code is a success, or 409 (conflict) if
    /// the node refuses the command.
    pub(super) fn post(
        &self,
        path: &str,
        token: &Token,
        json: &str,
    ) -> Result<(StatusCode, Value), ClientError> {
        let request = self.agent.post(self.url(path)).config();
        let request = request.timeout_global(Some(COMMAND_TIMEOUT)).build();
        let request = request.header(header::AUTHORIZATION, token.authorization());
        let answer = match json {
            "" => request.send_empty(),
            json => request
                .header(header::CONTENT_TYPE, "application/json")
                .send(json),
        };
        let (status, text) = self.text(answer)?;
        match serde_json::from_str(&text) {
            Ok(body) if status.is_success() || status == StatusCode::CONFLICT => Ok((status, body)),
            _ => Err(self.rejection(status, &text)),
        }
    }

    /// Returns the stream of the events that follow the event with the id `after`. Without an id,
    /// the stream begins with the status of the node.
    pub(super) fn events(&self, after: Option<&str>) -> Result<BodyReader<'static>, ClientError> {
        let request = self.request("/v1/events").config();
        let mut request = request.timeout_per_read(Some(SILENCE_TIMEOUT)).build();
        if let Some(id) = after {
            request = request.header("last-event-id", id);
        }
        let answer = request.call();
        let is_stream = |answer: &Response<Body>| {
            answer.status() == StatusCode::OK
                && answer.body().mime_type() == Some("text/event-stream")
        };
        match answer {
            Ok(answer) if is_stream(&answer) => Ok(answer.into_body().into_reader()),
            answer => {
                let (status, text) = self.text(answer)?;
                Err(self.rejection(status, &text))
            }
        }
    }

    /// Parses an answer, or a part of an answer. Text that is not the expected JSON is an error,
    /// because it does not come from a node.
    pub(super) fn parse<T: DeserializeOwned>(&self, json: &str) -> Result<T, ClientError> {
        serde_json::from_str(json).map_err(|_| self.not_a_node(json))
    }

    /// Returns the error for an answer that does not come from a node.
    pub(super) fn not_a_node(&self, answer: &str) -> ClientError {
        const MAX_CHARS: usize = 80;
        let mut shown: String = answer.chars().take(MAX_CHARS).collect();
        if shown.len() < answer.len() {
            shown.push('…');
        }
        ClientError::NotANode {
            address: self.address.clone(),
            answer: format!("{shown:?}"),
        }
    }

    fn request(&self, path: &str) -> RequestBuilder<WithoutBody> {
        self.agent.get(self.url(path))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn text(
        &self,
        answer: Result<Response<Body>, ureq::Error>,
    ) -> Result<(StatusCode, String), ClientError> {
        let text = answer.and_then(|mut answer| {
            let status = answer.status();
            let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES);
            Ok((status, body.read_to_string()?))
        });
        text.map_err(|error| match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ClientError::NotListening(self.address.clone())
            }
            cause => ClientError::QueryFailed {
                address: self.address.clone(),
                cause: Box::new(cause),
            },
        })
    }

    /// Returns the error for an answer whose status code is no success. A node gives the reason as
    /// JSON. An answer without such a reason does not come from a node.
    fn rejection(&self, status: StatusCode, text: &str) -> ClientError {
        let body: Option<Value> = serde_json::from_str(text).ok();
        match body.as_ref().and_then(|body| body["error"].as_str()) {
            Some(reason) => ClientError::Rejected {
                address: self.address.clone(),
                status: status.as_u16(),
                reason: reason.to_owned(),
            },
            None => self.not_a_node(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The node must answer before the client stops waiting. Otherwise the client would report that
    // the result is unknown, although the node answers.
    #[test]
    fn the_client_waits_longer_than_the_node() {
        assert!(COMMAND_TIMEOUT > elector_net::http::Limits::default().command);
    }
}
