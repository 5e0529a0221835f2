//! Gives each algorithm any input in any state. The algorithm must not panic or break its contract.
//! A node must not publish or send anything that a crash could undo.

#![no_main]

use elector_bully::Bully;
use elector_fuzz::{draw::Draw, host};
use elector_paxos::Paxos;
use elector_raft::Raft;
use elector_ring::Ring;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut draw = Draw::new(bytes);
    match draw.below(4) {
        0 => host::run::<Raft>(&mut draw),
        1 => host::run::<Paxos>(&mut draw),
        2 => host::run::<Bully>(&mut draw),
        _ => host::run::<Ring>(&mut draw),
    }
});
