use bytes::{BufMut, Bytes, BytesMut};
use elector_core::{Epoch, NodeId, RosterId};
use serde::Serialize;
use tokio_util::codec::LengthDelimitedCodec;

/// The maximum length of a frame after the handshake, in bytes. The longest message, a token of the
/// Ring algorithm, fits even if it contains a hundred thousand node ids.
pub(crate) const MAX_FRAME_BYTES: usize = 1 << 20;

/// The maximum length of a list of addresses in bytes. It is short, because the node's own thread
/// decodes the list.
pub(crate) const MAX_ADDRESS_BYTES: usize = 1 << 18;

/// A frame after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A message of the algorithm, without the name of its sender's roster (list of the voters),
    /// encoded with postcard.
    Message(&'a [u8]),
    /// A sign of life. The number in a ping is the sender's clock in nanoseconds since the start of
    /// its kernel. The receiver must send the number back.
    Ping(u64),
    /// The answer to a ping, with the number of the ping.
    Pong(u64),
    /// The name of the roster, the list of the voters, that the sender has when it sends its next
    /// messages on this connection; since version 3.
    Roster(RosterId),
    /// A message about rosters (lists of the voters), encoded with postcard. A node processes such
    /// a message even if the sender has another roster. Since version 3.
    RosterMessage(&'a [u8]),
    /// Nodes and their addresses, encoded with postcard; since version 3.
    Addresses(&'a [u8]),
}

pub(super) const MESSAGE: u8 = 0;
const PING: u8 = 1;
const PONG: u8 = 2;
const ROSTER: u8 = 3;
pub(super) const ROSTER_MESSAGE: u8 = 4;
const ADDRESSES: u8 = 5;

impl<'a> Frame<'a> {
    /// Reads the body of a frame. Returns `None` if the body is invalid.
    pub(crate) fn read(body: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = body.split_first()?;
        let number = || rest.try_into().map(u64::from_be_bytes).ok();
        match kind {
            MESSAGE => Some(Self::Message(rest)),
            PING => number().map(Self::Ping),
            PONG => number().map(Self::Pong),
            ROSTER => {
                let (created, rest) = rest.split_first_chunk()?;
                Some(Self::Roster(RosterId {
                    created: Epoch(u64::from_be_bytes(*created)),
                    version: u64::from_be_bytes(rest.try_into().ok()?),
                }))
            }
            ROSTER_MESSAGE => Some(Self::RosterMessage(rest)),
            ADDRESSES if rest.len() <= MAX_ADDRESS_BYTES => Some(Self::Addresses(rest)),
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

/// Returns a whole frame of this kind, including the length of the frame. Returns `None` if the
/// frame is too long or cannot be encoded.
pub(super) fn encode(kind: u8, content: &impl Serialize) -> Option<Bytes> {
    let mut frame = Vec::with_capacity(64);
    frame.extend_from_slice(&[0, 0, 0, 0, kind]);
    let mut frame = postcard::to_extend(content, frame).ok()?;
    let length = frame.len() - 4;
    if length > MAX_FRAME_BYTES {
        return None;
    }
    frame[..4].copy_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
    Some(frame.into())
}

/// Returns a whole frame with these nodes and their addresses; `None` if there are too many for a
/// frame.
pub(crate) fn encode_addresses(addresses: &impl Serialize) -> Option<Bytes> {
    encode(ADDRESSES, addresses).filter(|frame| frame.len() <= MAX_ADDRESS_BYTES)
}

/// Appends frames with these nodes and their addresses, in this order.
pub(crate) fn write_addresses(addresses: &[(NodeId, String)], to: &mut BytesMut) {
    // This number of addresses fits into a frame, even if all of them have the maximum length.
    const PER_FRAME: usize = 512;
    for some in addresses.chunks(PER_FRAME) {
        to.extend_from_slice(&encode_addresses(&some).unwrap_or_default());
    }
}

/// Reads the nodes and their addresses in a frame. Returns `None` if the bytes are invalid. As in
/// every other frame, more bytes after the addresses make the frame invalid.
pub(crate) fn decode_addresses(bytes: &[u8]) -> Option<Vec<(NodeId, String)>> {
    match postcard::take_from_bytes(bytes) {
        Ok((addresses, [])) => Some(addresses),
        Ok(_) | Err(_) => None,
    }
}

/// Appends the whole frame that announces the name of the sender's roster, its list of the voters.
pub(crate) fn write_roster(roster: RosterId, to: &mut BytesMut) {
    to.put_u32(17);
    to.put_u8(ROSTER);
    to.put_u64(roster.created.0);
    to.put_u64(roster.version);
}

/// Appends the whole frame of a ping with this number.
pub(crate) fn write_ping(number: u64, to: &mut BytesMut) {
    write_number(PING, number, to);
}

/// Appends the whole frame of a pong, the answer to the ping with this number.
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

    // A node must read the frames that another node writes, and must not accept other bytes.
    #[test]
    fn frames_are_read_back_and_garbage_is_not() {
        let mut bytes = BytesMut::new();
        write_ping(7, &mut bytes);
        write_pong(u64::MAX, &mut bytes);
        bytes.extend_from_slice(&encode(MESSAGE, &(1_u8, "text")).unwrap());
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
            b"\x03123456781234567",
            b"\xff",
        ] {
            assert_eq!(Frame::read(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn addresses_are_read_back_and_bytes_after_them_are_rejected() {
        for addresses in [
            vec![],
            vec![
                (NodeId(1), String::from("a:7000")),
                (NodeId(2), String::new()),
            ],
        ] {
            let frame = encode_addresses(&addresses).unwrap();
            let Some(Frame::Addresses(content)) = Frame::read(&frame[4..]) else {
                panic!("{frame:?} is no list of addresses");
            };
            assert_eq!(decode_addresses(content), Some(addresses));
            assert_eq!(decode_addresses(&[content, &[0]].concat()), None);
        }
        assert_eq!(decode_addresses(b"\x01\x01"), None);
    }

    // A node knows at most 2,048 addresses of at most 261 bytes. All of them must arrive.
    #[test]
    fn addresses_that_do_not_fit_into_one_frame_are_sent_in_several() {
        let address = |node| (NodeId(u64::MAX - node), "a".repeat(261));
        let addresses: Vec<_> = (0..2048).map(address).collect();
        let mut bytes = BytesMut::new();
        write_addresses(&addresses, &mut bytes);
        let (mut codec, mut read) = (codec(MAX_FRAME_BYTES), Vec::new());
        while let Some(body) = codec.decode(&mut bytes).unwrap() {
            let Some(Frame::Addresses(content)) = Frame::read(&body) else {
                panic!("no list of addresses");
            };
            read.extend(decode_addresses(content).unwrap());
        }
        assert_eq!(read, addresses);
    }

    // A frame with a forged length must not make the receiver reserve memory.
    #[test]
    fn a_frame_that_is_too_long_is_rejected_by_its_length() {
        let mut bytes = BytesMut::from(&[0x00, 0x10, 0x00, 0x01][..]);
        assert!(codec(MAX_FRAME_BYTES).decode(&mut bytes).is_err());
        assert_eq!(encode(MESSAGE, &vec![0_u8; MAX_FRAME_BYTES]), None);
    }
}
