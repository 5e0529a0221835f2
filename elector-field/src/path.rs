use std::time::Duration;

/// What happens to the packets from one host to another.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Path {
    pub(crate) barrier: Barrier,
    /// This share of the packets is lost.
    pub(crate) loss: f32,
    /// Each packet takes this time,
    pub(crate) delay: Duration,
    /// and up to this time more, so that packets overtake each other.
    pub(crate) jitter: Duration,
}

/// What a packet meets before anything else. The later variant is the stronger one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Barrier {
    /// It passes.
    #[default]
    Open,
    /// The sender hears by ICMP that the port cannot be reached.
    Unreachable,
    /// A TCP packet is answered with RST, as by a firewall that rejects; others are lost.
    Reset,
    /// It is lost.
    Cut,
}

impl Path {
    /// Of two faults of one path each has its effect.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            barrier: self.barrier.max(other.barrier),
            loss: self.loss.max(other.loss),
            delay: self.delay.max(other.delay),
            jitter: self.jitter.max(other.jitter),
        }
    }
}
