use std::time::Duration;

/// The faults of a path, which is the direction from one host to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Path {
    pub(crate) barrier: Barrier,
    /// The share of packets that are lost, from 0.0 to 1.0.
    pub(crate) loss: f32,
    /// The shortest delay of a packet.
    pub(crate) delay: Duration,
    /// The maximum random addition to the delay. Because of this addition, packets overtake each
    /// other.
    pub(crate) jitter: Duration,
}

/// A filter for packets, which applies before all other faults of a path. Later variants are
/// stronger: if several faults apply to a path, the strongest filter counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Barrier {
    /// Packets pass.
    #[default]
    Open,
    /// The packet is lost. The sender receives an ICMP message that says that the port cannot be
    /// reached.
    Unreachable,
    /// The packet is lost. The sender of a TCP packet receives RST, as from a firewall that rejects
    /// the packet.
    Reset,
    /// Packets are lost, and the sender receives no answer.
    Cut,
}

impl Path {
    /// Combines the faults of two settings for one path: the stronger value of each field applies.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            barrier: self.barrier.max(other.barrier),
            loss: self.loss.max(other.loss),
            delay: self.delay.max(other.delay),
            jitter: self.jitter.max(other.jitter),
        }
    }
}
