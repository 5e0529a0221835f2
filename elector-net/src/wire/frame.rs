use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use tokio_util::codec::LengthDelimitedCodec;

/// The maximum length of a frame after the handshake, in bytes. A ring token with a hundred
/// thousand ids fits.
pub(crate) const MAX_FRAME_BYTES: usize = 1 << 20;

/// A frame after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A message of the algorithm, encoded with postcard.
    Message(&'a [u8]),
    /// A sign of life. The number in a ping is the sender's clock in nanoseconds since the start of
    /// its kernel. The receiver must send the number back.
    Ping(u64),
    /// The answer to a ping, with the number of the ping.
    Pong(u64),
}

const MESSAGE: u8 = 0;
const PING: u8 = 1;
const PONG: u8 = 2;

impl<'a> Frame<'a> {
    /// Reads the body of a frame. Returns `None` if the body is invalid.
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

/// Returns a codec that splits a stream of bytes into frames of at most `max_bytes` bytes. If the
/// length of a frame is over this limit, the codec returns an error before it reads the body.
pub(crate) fn codec(max_bytes: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder()
        .length_field_type::<u32>()
        .max_frame_length(max_bytes)
        .new_codec()
}

/// Returns a whole frame with this message, including the length of the frame. Returns `None` if
/// the message is too long or cannot be encoded.
pub(crate) fn encode_message(message: &impl Serialize) -> Option<Bytes> {
    let mut frame = Vec::with_capacity(64);
    frame.extend_from_slice(&[0, 0, 0, 0, MESSAGE]);
    let mut frame = postcard::to_extend(message, frame).ok()?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return None;
    }
    frame[..4].copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
    Some(frame.into())
}

/// Appends the whole frame of a ping.
pub(crate) fn write_ping(number: u64, to: &mut BytesMut) {
    write_number(PING, number, to);
}

/// Appends the whole frame of a pong.
pub(crate) fn write_pong(number: u64, to: &mut BytesMut) {
    write_number(PONG, number, to);
}

fn write_number(kind: u8, number: u64, to: &mut BytesMut) {
    to.put_u32(9);
    to.put_u8(kind);
    to.put_u64(number);
}

#[cfg(test)]
mod tests {
    use tokio_util::codec::Decoder;

    use super::*;

    // A node must read what another node writes, and must not accept other bytes.
    #[test]
    fn frames_are_read_back_and_garbage_is_not() {
        let mut bytes = BytesMut::new();
        write_ping(7, &mut bytes);
        write_pong(u64::MAX, &mut bytes);
        bytes.extend_from_slice(&encode_message(&(1_u8, "text")).unwrap());
        let mut codec = codec(MAX_FRAME_BYTES);
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

    // A forged length must not reserve memory.
    #[test]
    fn a_frame_that_is_too_long_is_rejected_by_its_length() {
        let mut bytes = BytesMut::from(&[0x00, 0x10, 0x00, 0x01][..]);
        assert!(codec(MAX_FRAME_BYTES).decode(&mut bytes).is_err());
        assert_eq!(encode_message(&vec![0_u8; MAX_FRAME_BYTES]), None);
    }
}
