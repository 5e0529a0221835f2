//! What several tests need: all algorithms in all their variants.

use elector_sim::Contestant;

macro_rules! contestants {
    ($($algorithm:path, $config:path);* $(;)?) => {
        vec![$(<$config>::variants().into_iter().map(|variant| {
            Contestant::of::<$algorithm>(variant.name, variant.summary, variant.config)
        }).collect::<Vec<_>>()),*].concat()
    };
}

/// Every variant of every algorithm.
pub(crate) fn contestants() -> Vec<Contestant> {
    contestants![
        elector_raft::Raft, elector_raft::RaftConfig;
        elector_paxos::Paxos, elector_paxos::PaxosConfig;
        elector_bully::Bully, elector_bully::BullyConfig;
        elector_ring::Ring, elector_ring::RingConfig;
    ]
}
