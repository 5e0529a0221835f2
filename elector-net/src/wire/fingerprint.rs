use elector_core::{Configuration, NodeId, Timing};

/// What all nodes of a cluster must agree on, in 64 bits (FNV-1a). It finds mistakes; it is no
/// defence against anybody.
#[derive(Clone, Copy, Debug)]
struct Fingerprint(u64);

impl Fingerprint {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Of a list of nodes, in ascending order.
pub(crate) fn of_nodes(nodes: &[NodeId]) -> u64 {
    let mut print = Fingerprint::new();
    for node in nodes {
        print.add(&node.0.to_be_bytes());
    }
    print.0
}

/// Of an algorithm's options, without its durations: those may differ while they are being
/// changed, as far as leases allow.
pub(crate) fn of_options<C: Configuration>(config: &C) -> u64 {
    let mut config = config.clone();
    *config.timing_mut() = Timing::default();
    let mut print = Fingerprint::new();
    match postcard::to_stdvec(&config) {
        Ok(bytes) => print.add(&bytes),
        // Two nodes with the same options fail alike.
        Err(_) => print.add(b"unwritable"),
    }
    print.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use elector_raft::RaftConfig;

    use super::*;

    // Durations must be changeable node by node; options and members must not.
    #[test]
    fn options_and_members_tell_apart_what_must_not_be_mixed() {
        let stock = RaftConfig::default();
        let mut other = stock.clone();
        other.timing.heartbeat = Duration::from_millis(7);
        assert_eq!(of_options(&stock), of_options(&other));
        other.pre_vote = false;
        assert_ne!(of_options(&stock), of_options(&other));

        let of = |ids: &[u64]| {
            let nodes: Vec<NodeId> = ids.iter().copied().map(NodeId).collect();
            of_nodes(&nodes)
        };
        assert_eq!(of(&[1, 2, 3]), of(&[1, 2, 3]));
        assert_ne!(of(&[1, 2, 3]), of(&[1, 2, 4]));
        assert_ne!(of(&[1, 2, 3]), of(&[1, 2]));
    }
}
