use elector_net::{certs::CertsError, http::HttpError};
use thiserror::Error;

use crate::output::StdoutError;

/// Why a command of this module has failed: certificates cannot be made, or a node cannot be
/// queried. The message says what to do.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// No process listens at the address.
    #[error(
        "nothing listens on {0}: start a node with `elector node --http {0} ...`, or give the \
         address of a node with --http"
    )]
    NotListening(String),
    /// The request failed for another reason.
    #[error("cannot query the node at {address}: {cause}")]
    QueryFailed {
        /// The address of the request.
        address: String,
        /// Why the request failed.
        cause: Box<ureq::Error>,
    },
    /// The answer does not come from a node.
    #[error("the server at {address} does not answer like an elector node: {answer}")]
    NotANode {
        /// The address of the request.
        address: String,
        /// The beginning of the answer.
        answer: String,
    },
    /// The node has rejected the request.
    #[error("the node at {address} answered {status}: {reason}")]
    Rejected {
        /// The address of the request.
        address: String,
        /// The status code of HTTP.
        status: u16,
        /// The reason that the node gives.
        reason: String,
    },
    /// The user gave several addresses to a command that queries one node.
    #[error("only `elector status --explain` queries several nodes: give one address with --http")]
    SeveralNodes,
    /// The user gave no token to a command that needs one.
    #[error(
        "the bearer token of the node is missing: set ELECTOR_TOKEN, or name a file with \
         --token-file"
    )]
    NoToken,
    /// The token is invalid or cannot be read.
    #[error(transparent)]
    Token(#[from] HttpError),
    /// The user removes a node that is no voter now, and is no voter of the goal if a change is in
    /// progress.
    #[error("node {0} is no voter, and is not to become one: see `elector members`")]
    NoMember(u64),
    /// A request cannot be encoded.
    #[error("cannot encode the request: {0}")]
    Json(serde_json::Error),
    /// Certificates cannot be made.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
}
