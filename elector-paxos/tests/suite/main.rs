//! The tests of Paxos, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod campaign;
mod counts;
mod faults;
mod lease;
mod node;
mod paper;
mod scenarios;
mod tenure;
mod total;
mod vouching;
