use std::{io, time::Duration};

use elector_net::http::Token;
use serde_json::Value;
use ureq::{
    Agent, Body, BodyReader, RequestBuilder,
    http::{Response, StatusCode, header},
    typestate::WithoutBody,
};

use super::error::ClientError;

/// How long a name may take to be looked up and connected to.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a node may take for an answer that it has at hand.
const ANSWER: Duration = Duration::from_secs(10);
/// How long for one that waits for the work of a leader: somewhat more than the node allows itself.
const COMMAND: Duration = Duration::from_secs(45);
/// How long a stream may be silent: three of the node's comments.
const SILENCE: Duration = Duration::from_secs(45);
/// The most of an answer that is read.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A node, asked over HTTP.
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
            // A node stands near: what the environment says about the web is not meant for it.
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("elector/", env!("CARGO_PKG_VERSION")));
        Self {
            address: address.to_owned(),
            agent: config.build().into(),
        }
    }

    /// The text of an answer that must be a success.
    pub(super) fn get(&self, path: &str) -> Result<String, ClientError> {
        self.get_within(path, ANSWER)
    }

    /// The same; the answer must come within `limit`, if that is shorter than usual.
    pub(super) fn get_within(&self, path: &str, limit: Duration) -> Result<String, ClientError> {
        let asked = self.request(path).config();
        let answer = asked.timeout_global(Some(ANSWER.min(limit))).build().call();
        let (status, text) = self.text(answer)?;
        if status.is_success() {
            return Ok(text);
        }
        Err(self.refusal(status, &text))
    }

    /// The answer to a command, as status and JSON.
    pub(super) fn post(
        &self,
        path: &str,
        token: &Token,
    ) -> Result<(StatusCode, Value), ClientError> {
        let asked = self.agent.post(self.url(path)).config();
        let asked = asked.timeout_global(Some(COMMAND)).build();
        let asked = asked.header(header::AUTHORIZATION, token.authorization());
        let (status, text) = self.text(asked.send_empty())?;
        match serde_json::from_str(&text) {
            Ok(body) if status.is_success() || status == StatusCode::CONFLICT => Ok((status, body)),
            _ => Err(self.refusal(status, &text)),
        }
    }

    /// The stream of events behind the one of this id.
    pub(super) fn events(&self, after: Option<&str>) -> Result<BodyReader<'static>, ClientError> {
        let asked = self.request("/v1/events").config();
        let mut asked = asked.timeout_per_read(Some(SILENCE)).build();
        if let Some(id) = after {
            asked = asked.header("last-event-id", id);
        }
        let answer = asked.call();
        let is_stream = |answer: &Response<Body>| {
            answer.status() == StatusCode::OK
                && answer.body().mime_type() == Some("text/event-stream")
        };
        match answer {
            Ok(answer) if is_stream(&answer) => Ok(answer.into_body().into_reader()),
            answer => {
                let (status, text) = self.text(answer)?;
                Err(self.refusal(status, &text))
            }
        }
    }

    /// Something that only a node says.
    pub(super) fn stranger(&self, answer: &str) -> ClientError {
        const SHOWN: usize = 80;
        let mut shown: String = answer.chars().take(SHOWN).collect();
        if shown.len() < answer.len() {
            shown.push('…');
        }
        ClientError::Stranger {
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
            let body = answer.body_mut().with_config().limit(MOST_BYTES);
            Ok((status, body.read_to_string()?))
        });
        text.map_err(|error| match error {
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ClientError::Nobody(self.address.clone())
            }
            source => ClientError::Unasked {
                address: self.address.clone(),
                source: Box::new(source),
            },
        })
    }

    /// A node says in JSON why not.
    fn refusal(&self, status: StatusCode, text: &str) -> ClientError {
        let body: Option<Value> = serde_json::from_str(text).ok();
        match body.as_ref().and_then(|body| body["error"].as_str()) {
            Some(reason) => ClientError::Answered {
                address: self.address.clone(),
                status: status.as_u16(),
                reason: reason.to_owned(),
            },
            None => self.stranger(text),
        }
    }
}
