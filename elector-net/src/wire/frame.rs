use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use tokio_util::codec::LengthDelimitedCodec;

/// The longest frame of a peer that was let in. A ring's token of a hundred thousand ids fits.
pub(crate) const MOST_BYTES: usize = 1 << 20;

/// What a peer that was let in sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A message of the algorithm, in postcard.
    Message(&'a [u8]),
    /// A sign of life, with a number to be sent back: the sender's clock since the start of its
    /// kernel, in nanoseconds.
    Ping(u64),
    /// The answer to it.
    Pong(u64),
}

const MESSAGE: u8 = 0;
const PING: u8 = 1;
const PONG: u8 = 2;

impl<'a> Frame<'a> {
    /// Reads the body of a frame; `None` if it is none.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = body.split_first()?;
        let number = || rest.try_into().map(u64::from_be_bytes).ok();
        match kind {
            MESSAGE => Some(Self::Message(rest)),
            PING => number().map(Self::Ping),
            PONG => number().map(Self::Pong),
            _ => None,
        }
    }
}

/// Cuts a stream of bytes into frames of at most `most` bytes; a longer one is an error before any
/// of it is read.
pub(crate) fn codec(most: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .length_field_type::<u32>()
        .max_frame_length(most)
        .new_codec()
}

/// A whole frame, its length in front, that carries this message; `None` if it is too long, or
/// cannot be written.
pub(crate) fn encode_message(message: &impl Serialize) -> Option<Bytes> {
    let mut frame = Vec::with_capacity(64);
    frame.extend_from_slice(&[0, 0, 0, 0, MESSAGE]);
    let mut frame = postcard::to_extend(message, frame).ok()?;
    let length = frame.len() - 4;
    if length > MOST_BYTES {
        return None;
    }
    frame[..4].copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
    Some(frame.into())
}

/// Appends a whole ping.
pub(crate) fn pinging(number: u64, to: &mut BytesMut) {
    numbered(PING, number, to);
}

/// Appends a whole pong.
pub(crate) fn ponging(number: u64, to: &mut BytesMut) {
    numbered(PONG, number, to);
}

fn numbered(kind: u8, number: u64, to: &mut BytesMut) {
    to.put_u32(9);
    to.put_u8(kind);
    to.put_u64(number);
}

#[cfg(test)]
mod tests {
    use tokio_util::codec::Decoder;

    use super::*;

    // What one node writes the other must read, and nothing else must be taken for it.
    #[test]
    fn frames_read_back_and_garbage_does_not() {
        let mut bytes = BytesMut::new();
        pinging(7, &mut bytes);
        ponging(u64::MAX, &mut bytes);
        bytes.extend_from_slice(&encode_message(&(1_u8, "text")).unwrap());
        let mut codec = codec(MOST_BYTES);
        let mut next = || codec.decode(&mut bytes).unwrap();
        assert_eq!(Frame::read(&next().unwrap()), Some(Frame::Ping(7)));
        assert_eq!(Frame::read(&next().unwrap()), Some(Frame::Pong(u64::MAX)));
        let message = next().unwrap();
        assert_eq!(Frame::read(&message), Some(Frame::Message(b"\x01\x04text")));
        assert_eq!(next(), None);
        for garbage in [
            &b""[..],
            b"\x01",
            b"\x01\0\0\0\0\0\0\0",
            b"\x02123456789",
            b"\x03",
            b"\xff",
        ] {
            assert_eq!(Frame::read(garbage), None, "{garbage:?}");
        }
    }

    // A length that somebody made up must not reserve memory.
    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_length() {
        let mut bytes = BytesMut::from(&[0x00, 0x10, 0x00, 0x01][..]);
        assert!(codec(MOST_BYTES).decode(&mut bytes).is_err());
        assert_eq!(encode_message(&vec![0_u8; MOST_BYTES]), None);
    }
}
