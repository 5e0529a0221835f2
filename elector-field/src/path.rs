use std::time::Duration;

/// The effects on packets from one host to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Path {
    pub(crate) barrier: Barrier,
    /// The share of packets that are lost.
    pub(crate) loss: f32,
    /// The least delay of each packet.
    pub(crate) delay: Duration,
    /// The largest random addition to the delay. Because of it, packets overtake each other.
    pub(crate) jitter: Duration,
}

/// A filter in front of all other effects. Later variants are stronger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Barrier {
    /// Packets pass.
    #[default]
    Open,
    /// The sender receives an ICMP message: the port cannot be reached.
    Unreachable,
    /// The sender of a TCP packet receives RST, as from a firewall that rejects. Other packets are
    /// lost.
    Reset,
    /// Packets are lost.
    Cut,
}

impl Path {
    /// Combines the effects of two faults of one path.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            barrier: self.barrier.max(other.barrier),
            loss: self.loss.max(other.loss),
            delay: self.delay.max(other.delay),
            jitter: self.jitter.max(other.jitter),
        }
    }
}
