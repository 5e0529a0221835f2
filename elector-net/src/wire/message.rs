use bytes::{BufMut, Bytes, BytesMut};
use elector_core::{Message, RosterId, Scope};
use serde::{Serialize, Serializer};

use super::frame::{self, Frame, MESSAGE, ROSTER_MESSAGE};

/// The first version of the protocol in which nodes exchange rosters, which are lists of the
/// voters.
pub(crate) const ROSTERS_SINCE: u16 = 3;

/// A message that waits to be sent, encoded as a whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueuedMessage {
    scope: Scope,
    frame: Bytes,
}

impl QueuedMessage {
    /// Encodes a message. Returns `None` if it is too long or cannot be encoded.
    pub(crate) fn encode(message: &impl Message) -> Option<Self> {
        let scope = message.scope();
        let frame = match scope {
            Scope::AnyRoster => frame::encode(ROSTER_MESSAGE, message),
            Scope::Cluster | Scope::Roster(_) => frame::encode(MESSAGE, &Bare(message)),
        };
        frame.map(|frame| Self { scope, frame })
    }
}

/// Serializes a message without its roster (the name of the sender's list of voters), which
/// [`MessageWriter`] announces in a frame of its own.
struct Bare<'a, M>(&'a M);

impl<M: Message> Serialize for Bare<'_, M> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_bare(to)
    }
}

/// Writes the messages of one connection. A message may have a roster: the name of its sender's
/// list of voters. Before the first message with a roster, and when the roster of the messages
/// changes, this writer writes a frame that announces the roster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageWriter {
    version: u16,
    announced: RosterId,
}

impl MessageWriter {
    /// Creates the writer of a connection with this version of the protocol.
    pub(crate) fn new(version: u16) -> Self {
        Self {
            version,
            announced: RosterId::EARLIER_RELEASE,
        }
    }

    /// Appends the frames of a message. If the peer's release does not know this kind of message,
    /// appends nothing, as if the message were lost.
    pub(crate) fn write(&mut self, message: &QueuedMessage, to: &mut BytesMut) {
        if self.version < ROSTERS_SINCE {
            // A peer of an earlier release knows no rosters, which are lists of the voters. It gets
            // only the messages of senders that have the first roster.
            let is_known = match message.scope {
                Scope::Cluster => true,
                Scope::Roster(roster) => roster.version == 1,
                Scope::AnyRoster => false,
            };
            if !is_known {
                return;
            }
        } else if let Scope::Roster(roster) = message.scope
            && roster != self.announced
        {
            self.announced = roster;
            frame::write_roster(roster, to);
        }
        to.put_slice(&message.frame);
    }
}

/// Reads the messages of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MessageReader {
    roster: RosterId,
}

impl MessageReader {
    pub(crate) fn new() -> Self {
        Self {
            roster: RosterId::EARLIER_RELEASE,
        }
    }

    /// Takes the roster, the name of the sender's list of voters, that the sender has announced for
    /// its next messages.
    pub(crate) fn announced(&mut self, roster: RosterId) {
        self.roster = roster;
    }

    /// Reads the message in a frame. Returns `None` if the frame contains no message, or an invalid
    /// message.
    pub(crate) fn read<M: Message>(&self, frame: &Frame<'_>) -> Option<M> {
        match frame {
            Frame::Message(bytes) => {
                let mut from = postcard::Deserializer::from_bytes(bytes);
                let message = M::deserialize_bare(self.roster, &mut from).ok()?;
                from.finalize().ok()?.is_empty().then_some(message)
            }
            Frame::RosterMessage(bytes) => match postcard::take_from_bytes::<M>(bytes) {
                Ok((message, [])) if message.scope() == Scope::AnyRoster => Some(message),
                Ok(_) | Err(_) => None,
            },
            Frame::Ping(_) | Frame::Pong(_) | Frame::Roster(_) | Frame::Addresses(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use elector_core::{Epoch, Moment};
    use elector_members::{MembersMessage, Rank};
    use elector_raft::RaftMessage;
    use tokio_util::codec::Decoder;

    use super::*;
    use crate::wire::{MAX_FRAME_BYTES, codec};

    type Whole = MembersMessage<RaftMessage>;

    fn roster(version: u64) -> RosterId {
        RosterId {
            created: Epoch(version - 1),
            version,
        }
    }

    fn inner(roster: RosterId) -> Whole {
        MembersMessage::Inner {
            roster,
            message: bare(),
        }
    }

    fn bare() -> RaftMessage {
        RaftMessage::Vote {
            term: Epoch(7),
            granted: true,
        }
    }

    fn beat() -> Whole {
        MembersMessage::Beat {
            epoch: Epoch(7),
            rank: Rank {
                term: Epoch(7),
                version: 2,
            },
            sent: Moment::from_nanos(9),
        }
    }

    fn written(version: u16, messages: &[Whole]) -> BytesMut {
        let mut writer = MessageWriter::new(version);
        let mut bytes = BytesMut::new();
        for message in messages {
            writer.write(&QueuedMessage::encode(message).unwrap(), &mut bytes);
        }
        bytes
    }

    /// Reads all messages in these frames, as a node of this release does.
    fn read(mut bytes: BytesMut) -> Vec<Whole> {
        let mut reader = MessageReader::new();
        let mut codec = codec(MAX_FRAME_BYTES);
        let mut messages = Vec::new();
        while let Some(body) = codec.decode(&mut bytes).unwrap() {
            match Frame::read(&body).unwrap() {
                Frame::Roster(roster) => reader.announced(roster),
                frame => messages.push(reader.read(&frame).unwrap()),
            }
        }
        messages
    }

    // A receiver must get each message with the roster (list of voters) of its sender, although the
    // sender announces its roster only when the roster changes.
    #[test]
    fn a_roster_is_announced_once_and_when_it_changes() {
        let messages = [
            inner(roster(2)),
            inner(roster(2)),
            beat(),
            inner(roster(3)),
            inner(roster(2)),
        ];
        let bytes = written(3, &messages);
        assert_eq!(read(bytes.clone()), messages);
        let announced = written(3, &messages[..1]).len() - written(2, &[inner(roster(1))]).len();
        let frames = messages.iter().map(|message| match message {
            MembersMessage::Inner { .. } => frame::encode(MESSAGE, &bare()).unwrap().len(),
            _ => written(3, &[beat()]).len(),
        });
        let frames: usize = frames.sum();
        assert_eq!(bytes.len(), frames + 3 * announced);
    }

    // A peer of protocol version 2 does not know rosters, which are lists of the voters. So it must
    // get only frames that it knows: the messages of senders with the first roster, without the
    // name of this roster.
    #[test]
    fn a_peer_of_version_2_gets_bare_messages_of_the_first_roster_only() {
        let messages = [inner(roster(1)), beat(), inner(roster(2))];
        let bytes = written(2, &messages);
        assert_eq!(bytes, frame::encode(MESSAGE, &bare()).unwrap());
        assert_eq!(read(bytes), [inner(RosterId::EARLIER_RELEASE)]);
    }

    // A frame of the kind `RosterMessage` must contain a message about rosters (lists of voters),
    // and a frame of the kind `Message` must contain a message of the algorithm. A message in the
    // wrong kind of frame must be rejected, because old releases get only the kind `Message`.
    #[test]
    fn a_message_in_the_wrong_frame_is_invalid() {
        let reader = MessageReader::new();
        let bytes = postcard::to_stdvec(&inner(roster(2))).unwrap();
        assert_eq!(reader.read::<Whole>(&Frame::RosterMessage(&bytes)), None);
        assert_eq!(reader.read::<Whole>(&Frame::Message(b"\xff")), None);
    }
}
