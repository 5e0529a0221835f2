use elector_net::{certs::CertsError, http::HttpError};
use thiserror::Error;

use crate::output::StdoutError;

/// Why certificates cannot be made, or a node cannot be asked. The message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ClientError {
    /// Nobody is there.
    #[error(
        "nothing listens on {0}: start a node with `elector node --http {0} ...`, or say with \
         --http where one listens"
    )]
    Nobody(String),
    /// Somebody may be there, and cannot be asked.
    #[error("cannot ask the node on {address}: {source}")]
    Unasked {
        /// Where.
        address: String,
        /// Why not.
        source: Box<ureq::Error>,
    },
    /// The answer is not a node's.
    #[error("what listens on {address} does not answer like a node of elector: {answer}")]
    Stranger {
        /// Where.
        address: String,
        /// The beginning of what it said.
        answer: String,
    },
    /// The node says why not.
    #[error("the node on {address} answers {status}: {reason}")]
    Answered {
        /// Where.
        address: String,
        /// In HTTP's numbers.
        status: u16,
        /// In its words.
        reason: String,
    },
    /// A status is that of one node.
    #[error("only `elector status --explain` asks several nodes: name one with --http")]
    Several,
    /// A command needs a token.
    #[error(
        "a command needs the node's bearer token: set ELECTOR_TOKEN, or name a file with --token-file"
    )]
    NoToken,
    /// It is none, or cannot be read.
    #[error(transparent)]
    Token(#[from] HttpError),
    /// Certificates cannot be made.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// Standard output cannot be written.
    #[error(transparent)]
    Stdout(#[from] StdoutError),
}
