//! What several tests need: all algorithms in all their variants.

use elector_bully::Bully;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::Contestant;

/// Every variant of every algorithm.
pub(crate) fn contestants() -> Vec<Contestant> {
    [
        Contestant::variants::<Raft>(),
        Contestant::variants::<Paxos>(),
        Contestant::variants::<Bully>(),
        Contestant::variants::<Ring>(),
    ]
    .concat()
}
