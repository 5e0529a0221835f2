use elector_core::{Configuration, NodeId, Timing};

/// A hash in 64 bits (FNV-1a) of settings that must be the same on all nodes of a cluster. With it,
/// nodes find mistakes in the settings. It does not protect against an attacker.
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

/// Returns the fingerprint of a list of nodes, which must be in ascending order.
pub(crate) fn of_nodes(nodes: &[NodeId]) -> u64 {
    let mut print = Fingerprint::new();
    for node in nodes {
        print.add(&node.0.to_be_bytes());
    }
    print.0
}

/// Returns the fingerprint of an algorithm's options, without its durations. While an operator
/// changes the durations node by node, they may differ between nodes. Another check
/// (`Rejection::Timing`) makes sure that they keep leases safe.
pub(crate) fn of_options<C: Configuration>(config: &C) -> u64 {
    let mut config = config.clone();
    *config.timing_mut() = Timing::default();
    let mut print = Fingerprint::new();
    match postcard::to_stdvec(&config) {
        Ok(bytes) => print.add(&bytes),
        // The fingerprint is a constant, so two nodes with the same options get the same
        // fingerprint here, too.
        Err(_) => print.add(b"unwritable"),
    }
    print.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use elector_core::DiskId;
    use elector_members::MembersConfig;
    use elector_raft::RaftConfig;

    use super::*;

    // Nodes with different durations must get the same fingerprint, because durations are changed
    // node by node. Nodes with different options or members must get different fingerprints.
    #[test]
    fn options_and_members_change_the_fingerprint_and_durations_do_not() {
        let default = RaftConfig::default();
        let mut other = default.clone();
        other.timing.heartbeat = Duration::from_millis(7);
        assert_eq!(of_options(&default), of_options(&other));
        other.pre_vote = false;
        assert_ne!(of_options(&default), of_options(&other));
        let mut changing = MembersConfig::from(default.clone());
        changing.set_disk(DiskId::from(7), &[]);
        assert_eq!(of_options(&default), of_options(&changing));

        let of = |ids: &[u64]| {
            let nodes: Vec<NodeId> = ids.iter().copied().map(NodeId).collect();
            of_nodes(&nodes)
        };
        assert_eq!(of(&[1, 2, 3]), of(&[1, 2, 3]));
        assert_ne!(of(&[1, 2, 3]), of(&[1, 2, 4]));
        assert_ne!(of(&[1, 2, 3]), of(&[1, 2]));
    }
}
