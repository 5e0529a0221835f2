//! All algorithms in all their variants, for several tests.

use elector_bully::Bully;
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use elector_sim::Contestant;

/// Returns every variant of every algorithm.
pub(crate) fn contestants() -> Vec<Contestant> {
    [
        Contestant::variants::<Raft>(),
        Contestant::variants::<Paxos>(),
        Contestant::variants::<Bully>(),
        Contestant::variants::<Ring>(),
    ]
    .concat()
}
