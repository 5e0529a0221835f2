//! What is read of strangers and of peers, opened for the fuzzer: bytes in; and out, what was
//! understood of them, as this build writes it. Exists in a build with `--cfg fuzzing` only.

use bytes::{Bytes, BytesMut};
use elector_core::Message;
use tokio_util::codec::{Decoder, LengthDelimitedCodec};

use crate::wire::{
    self, ByPeer, Frame,
    hello::{self, Answer, Greeting, Hello},
    pinging, ponging,
};

/// The longest greeting, hello or answer.
pub const MOST_HANDSHAKE: usize = hello::MOST_BYTES;

/// The longest frame of a peer that was let in.
pub const MOST_FRAME: usize = wire::MOST_BYTES;

/// Reads a greeting; what follows it comes out as it went in.
#[must_use]
pub fn greeting(bytes: &[u8]) -> Option<Vec<u8>> {
    let (greeting, rest) = Greeting::read(bytes)?;
    // What a dialler does with it: either is an answer.
    let _ = hello::VERSIONS.common(greeting.versions);
    Some([&greeting.write(), rest].concat())
}

/// Reads a hello that must repeat this number.
///
/// # Errors
/// The answer that refuses it.
pub fn hello(bytes: &[u8], number: u64) -> Result<Vec<u8>, Vec<u8>> {
    match Hello::read(bytes, number) {
        // What is too long to be written is empty.
        Ok(hello) => Ok(hello.write(number).unwrap_or_default()),
        Err(refusal) => Err(Answer::Refused(refusal).write()),
    }
}

/// Reads an answer: what it says, and what the log says of it.
#[must_use]
pub fn answer(bytes: &[u8]) -> Option<(Vec<u8>, String)> {
    let answer = Answer::read(bytes)?;
    let logged = match &answer {
        Answer::Welcome { .. } => String::new(),
        Answer::Refused(refusal) => format!("{}: {}", refusal.index(), ByPeer(refusal)),
    };
    Some((answer.write(), logged))
}

/// Reads the body of a frame as a peer's that runs this algorithm; a whole frame comes out.
#[must_use]
pub fn frame<M: Message>(body: &[u8]) -> Option<Bytes> {
    let mut written = BytesMut::new();
    match Frame::read(body)? {
        Frame::Message(bytes) => match postcard::take_from_bytes::<M>(bytes) {
            Ok((message, [])) => return wire::encode_message(&message),
            Ok(_) | Err(_) => return None,
        },
        Frame::Ping(number) => pinging(number, &mut written),
        Frame::Pong(number) => ponging(number, &mut written),
    }
    Some(written.freeze())
}

/// A connection that bytes come in on, in pieces.
#[derive(Debug)]
pub struct Incoming {
    codec: LengthDelimitedCodec,
    buffer: BytesMut,
}

impl Incoming {
    /// Frames have at most so many bytes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            codec: wire::codec(most),
            buffer: BytesMut::new(),
        }
    }

    /// The bodies of the frames that this piece completes; and whether the connection goes on.
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

    /// How much memory it holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.buffer.capacity()
    }
}
