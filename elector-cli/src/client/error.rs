use elector_net::{certs::CertsError, http::HttpError};
use thiserror::Error;

use crate::output::StdoutError;

/// Why a subcommand of the module `client` has failed: certificates cannot be made, or a node
/// cannot be queried. The message says what to do.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    /// No process listens at the address.
    #[error(
        "nothing listens on {0}: start a node with `elector node --http {0} ...`, or give the \
         address of a node with --http"
    )]
    NotListening(String),
    /// The request failed, and not because the connection was refused ([`Self::NotListening`]).
    #[error("cannot query the node at {address}: {cause}")]
    QueryFailed {
        /// The address to which the request was sent.
        address: String,
        /// Why the request failed.
        cause: Box<ureq::Error>,
    },
    /// A server has answered that is no node of elector.
    #[error("the server at {address} does not answer like an elector node: {answer}")]
    NotANode {
        /// The address to which the request was sent.
        address: String,
        /// The beginning of the server's answer.
        answer: String,
    },
    /// The node has answered the request with an error, for example because the token is wrong.
    #[error("the node at {address} answered {status}: {reason}")]
    Rejected {
        /// The address to which the request was sent.
        address: String,
        /// The status code of the answer in HTTP.
        status: u16,
        /// The reason for the error, as the node gives it.
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
    /// The bearer token is invalid, or its file cannot be read.
    #[error(transparent)]
    Token(#[from] HttpError),
    /// The user removes a node that is no voter now, and is no voter of the goal if a change is in
    /// progress.
    #[error("node {0} is no voter, and is not to become one: see `elector members`")]
    NoMember(u64),
    /// A request cannot be encoded as JSON.
    #[error("cannot encode the request: {0}")]
    Json(serde_json::Error),
    /// Certificates cannot be made.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
}
