//! What goes over a connection.
//!
//! Every frame is four bytes of length, big-endian, and that many bytes of body. A connection is
//! made by the node that has something to say on it; the other answers pings. It begins with
//!
//! 1. a [`Greeting`](hello::Greeting) of the acceptor, with a number drawn for this connection;
//! 2. a [`Hello`](hello::Hello) of the dialler, which repeats that number, so that a recorded
//!    conversation cannot be played back;
//! 3. an [`Answer`](hello::Answer): welcome, or why not.
//!
//! Then the dialler sends [`Frame`]s. Bodies are postcard, which does not describe itself: the
//! greeting and the head of the hello are of fixed form in every version, and say which versions
//! of the rest are spoken. Within a version, enums are only ever appended to.

mod by_peer;
pub(crate) mod fingerprint;
mod frame;
pub(crate) mod hello;
mod list;
pub(crate) mod refusal;

pub(crate) use by_peer::ByPeer;
pub(crate) use frame::{Frame, MOST_BYTES, codec, encode_message, pinging, ponging};
pub(crate) use list::NodeList;
