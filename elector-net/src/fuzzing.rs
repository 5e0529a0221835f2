//! Gives the fuzzer access to the code that reads bytes of peers and of unknown processes. Each
//! function for a kind of message reads bytes and writes the result as bytes again, in the format
//! of this build. This module exists only in a build with `--cfg fuzzing`.

use bytes::{Bytes, BytesMut};
use elector_core::Message;
use tokio_util::codec::{Decoder, LengthDelimitedCodec};

use crate::wire::{
    self, Frame, MessageReader, MessageWriter, QueuedMessage, decode_addresses, encode_addresses,
    hello::{self, Answer, Greeting, Hello, VERSIONS, Versions},
    rejection::RejectedText,
    write_ping, write_pong, write_roster,
};

/// The maximum length of a greeting, a hello or an answer, in bytes.
pub const MAX_HANDSHAKE: usize = hello::MAX_BYTES;

/// The maximum length of a frame after the handshake, in bytes.
pub const MAX_FRAME: usize = wire::MAX_FRAME_BYTES;

/// Reads a greeting, the first frame of a handshake, and returns it as bytes. The bytes after the
/// greeting are returned unchanged.
#[must_use]
pub fn greeting(bytes: &[u8]) -> Option<Vec<u8>> {
    let (greeting, rest) = Greeting::read(bytes)?;
    // A node that dials calls `common` with the versions of the greeting. The call must not panic,
    // but its result does not matter here.
    let _ = VERSIONS.common(greeting.versions);
    Some([&greeting.write(), rest].concat())
}

/// Reads a hello, the second frame of a handshake, which must repeat this nonce of the greeting.
/// Returns the hello as bytes.
///
/// # Errors
/// The answer that rejects the hello, as bytes.
pub fn hello(bytes: &[u8], nonce: u64) -> Result<Vec<u8>, Vec<u8>> {
    match Hello::read(bytes, VERSIONS, nonce) {
        Ok((version, hello)) => {
            // The head of the hello, which names the supported versions, must offer no version
            // above `version`. Otherwise this build would read the written hello in a newer version
            // than the one in which it is written here.
            let versions = Versions {
                max: version,
                ..VERSIONS
            };
            // If the hello is too long to be written, the result is empty.
            Ok(hello.write(versions, version, nonce).unwrap_or_default())
        }
        Err(rejection) => Err(Answer::Rejected(rejection).write()),
    }
}

/// Reads an answer, the third frame of a handshake. Returns the answer as bytes, together with the
/// text that a node would log about it.
#[must_use]
pub fn answer(bytes: &[u8]) -> Option<(Vec<u8>, String)> {
    let answer = Answer::read(bytes)?;
    let logged = match &answer {
        Answer::Welcome { .. } => String::new(),
        Answer::Rejected(rejection) => {
            format!("{}: {}", rejection.index(), RejectedText(rejection))
        }
    };
    Some((answer.write(), logged))
}

/// Reads the body of a frame from a peer that runs the algorithm with messages `M`. Returns the
/// whole frame as bytes.
#[must_use]
pub fn frame<M: Message>(body: &[u8]) -> Option<Bytes> {
    let mut written = BytesMut::new();
    let frame = Frame::read(body)?;
    match frame {
        Frame::Message(_) | Frame::RosterMessage(_) => {
            let message = MessageReader::new().read::<M>(&frame)?;
            let message = QueuedMessage::encode(&message)?;
            MessageWriter::new(VERSIONS.max).write(&message, &mut written);
        }
        Frame::Ping(number) => write_ping(number, &mut written),
        Frame::Pong(number) => write_pong(number, &mut written),
        Frame::Roster(roster) => write_roster(roster, &mut written),
        Frame::Addresses(bytes) => {
            return encode_addresses(&decode_addresses(bytes)?);
        }
    }
    Some(written.freeze())
}

/// The receiving side of a connection on which bytes arrive in pieces.
#[derive(Debug)]
pub struct Incoming {
    codec: LengthDelimitedCodec,
    buffer: BytesMut,
}

impl Incoming {
    /// Creates a connection whose frames have at most this many bytes.
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            codec: wire::codec(max_bytes),
            buffer: BytesMut::new(),
        }
    }

    /// Adds a piece of bytes. Returns the bodies of the frames that this piece completes. The flag
    /// is `false` if the connection must be closed.
    pub fn feed(&mut self, piece: &[u8]) -> (Vec<BytesMut>, bool) {
        self.buffer.extend_from_slice(piece);
        let mut bodies = Vec::new();
        loop {
            match self.codec.decode(&mut self.buffer) {
                Ok(Some(body)) => bodies.push(body),
                Ok(None) => return (bodies, true),
                Err(_) => return (bodies, false),
            }
        }
    }

    /// Returns the number of bytes that the buffer holds in memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.capacity()
    }
}
