//! The tests of Raft, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod campaign;
mod counts;
mod dissertation;
mod faults;
mod node;
mod one_way;
mod paper;
mod scenarios;
mod total;
