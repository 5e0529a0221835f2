//! The protocol of a connection between two nodes.
//!
//! Every frame is a length of four bytes, big-endian, and a body of that many bytes. The node that
//! wants to send messages makes the connection. On this connection, the other node only answers
//! pings. The handshake has three frames:
//!
//! 1. The acceptor sends a [`Greeting`](hello::Greeting) with a nonce for this connection.
//! 2. The dialler sends a [`Hello`](hello::Hello) that repeats the nonce, so that a recorded
//!    connection cannot be replayed.
//! 3. The acceptor sends an [`Answer`](hello::Answer): a welcome, or the reason of a rejection.
//!
//! After the handshake, the dialler sends [`Frame`]s. A message of an election does not contain the
//! roster of its sender, which is the list of the voters. The sender announces the name of its
//! roster once on each connection, and again when the roster changes.
//!
//! Version 2 has no rosters and no addresses. To a peer of version 2, a node of this release sends
//! only the messages of the first roster. So such a peer can take part in elections until the
//! members change.
//!
//! The bodies of frames are encoded with postcard. Bytes in this encoding do not describe their
//! format. So the greeting and the head of the hello have a fixed form in every version, and name
//! the versions of the protocol. Within a version, enums only get new variants at their end.

pub(crate) mod fingerprint;
mod frame;
pub(crate) mod hello;
mod list;
mod message;
pub(crate) mod rejection;

pub(crate) use frame::{
    Frame, MAX_FRAME_BYTES, codec, decode_addresses, write_addresses, write_ping, write_pong,
};
#[cfg(fuzzing)]
pub(crate) use frame::{encode_addresses, write_roster};
pub(crate) use list::NodeList;
pub(crate) use message::{MessageReader, MessageWriter, QueuedMessage, ROSTERS_SINCE};
