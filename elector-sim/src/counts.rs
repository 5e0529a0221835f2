use elector_core::{Message, NodeId, Purpose, trace::Loss};
use serde::Serialize;

use crate::rng::Rng;

/// The messages of one kind and purpose. Every message that a node hands to the network counts
/// once, when it is sent. A duplicate that the network makes is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KindCount {
    /// The kind of these messages ([`Message::kind`]).
    pub kind: &'static str,
    /// The purpose of these messages ([`Message::purpose`]).
    pub purpose: Option<Purpose>,
    /// Messages that nodes handed to the network.
    pub sent: u64,
    /// The size of these messages, encoded with postcard, in bytes.
    pub bytes: u64,
    /// How many of these messages the network lost by chance.
    pub lost: u64,
    /// How many of these messages were sent over a cut link.
    pub cut: u64,
    /// How many of these messages arrived at a node without a running process.
    pub dead: u64,
}

/// Message counts by kind and purpose.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    kinds: Vec<KindCount>,
}

impl Counts {
    /// Returns one entry for each kind and purpose that occurred, in order of first occurrence.
    #[must_use]
    pub fn kinds(&self) -> &[KindCount] {
        &self.kinds
    }

    /// Returns the number of messages of this kind that were sent, for all purposes.
    #[must_use]
    pub fn sent(&self, kind: &str) -> u64 {
        self.kinds
            .iter()
            .filter(|count| count.kind == kind)
            .map(|count| count.sent)
            .sum()
    }

    /// Returns the number of messages that were sent for this purpose, and their bytes.
    #[must_use]
    pub fn sent_for(&self, purpose: Purpose) -> (u64, u64) {
        let of = self
            .kinds
            .iter()
            .filter(|count| count.purpose == Some(purpose));
        of.fold((0, 0), |(sent, bytes), count| {
            (sent + count.sent, bytes + count.bytes)
        })
    }

    /// Returns the number of messages that arrived at a node without a running process, or that
    /// were sent over a cut link.
    #[must_use]
    pub fn to_dead(&self) -> u64 {
        self.kinds.iter().map(|count| count.dead + count.cut).sum()
    }

    /// Counts a message that a node sends. Returns the purpose of the message and its size in
    /// bytes.
    pub(crate) fn record_sent<M: Message>(&mut self, message: &M) -> (Purpose, u64) {
        let purpose = message.purpose();
        let bytes = size_of_body(message);
        let count = self.slot(message.kind(), purpose);
        count.sent += 1;
        count.bytes += bytes;
        (purpose, bytes)
    }

    pub(crate) fn record_lost<M: Message>(&mut self, message: &M, why: Loss) {
        let count = self.slot(message.kind(), message.purpose());
        match why {
            Loss::Chance | Loss::Full => count.lost += 1,
            Loss::Cut => count.cut += 1,
            Loss::Dead => count.dead += 1,
        }
    }

    fn slot(&mut self, kind: &'static str, purpose: Purpose) -> &mut KindCount {
        // An algorithm has only a few kinds of messages. Two names of one kind are nearly always
        // the same string in memory, so a comparison of pointers is mostly enough. So a scan of the
        // list is faster than a map.
        let same = |count: &KindCount| {
            count.purpose == Some(purpose) && (std::ptr::eq(count.kind, kind) || count.kind == kind)
        };
        let place = self.kinds.iter().position(same).unwrap_or_else(|| {
            self.kinds.push(KindCount {
                kind,
                purpose: Some(purpose),
                ..KindCount::default()
            });
            self.kinds.len() - 1
        });
        &mut self.kinds[place]
    }
}

fn size_of_body<M: Message>(message: &M) -> u64 {
    let size = postcard::serialize_with_flavor::<M, _, usize>(
        message,
        postcard::ser_flavors::Size::default(),
    );
    // A type with a derived `Serialize` can always be encoded. If a message cannot be encoded, it
    // counts as 0 bytes.
    size.unwrap_or(0) as u64
}

/// A hash of the inputs of a run in their order: the moment, the node and the kind of each input,
/// and the sender of each message. It also covers how many random numbers the run has drawn. If two
/// runs of one seed differ in any of these, their digests differ, except by an unlikely collision
/// of the hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    pub(crate) fn mix(&mut self, value: u64) {
        // The multiply-and-rotate step of FxHash. It takes one or two cycles of the processor, and
        // every bit of `value` changes the hash.
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    pub(crate) fn mix_at(&mut self, at: u64, node: NodeId, what: u64) {
        self.mix(at);
        self.mix((node.0 << 8) ^ what);
    }

    /// Returns the digest as a number.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }

    /// Adds the next number of the random stream to the hash. So the digest also changes if the run
    /// has drawn more numbers or fewer numbers from the stream.
    pub(crate) fn seal(&mut self, rng: &mut Rng) {
        self.mix(rng.below(u64::MAX));
    }
}
