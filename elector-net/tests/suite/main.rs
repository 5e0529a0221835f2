//! The tests of this crate through its public interface. They are one binary, because linking a
//! binary takes longer than most of the tests. A test that needs a process of its own is in another
//! file.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod disks;
mod encrypted;
mod golden;
#[cfg(feature = "http")]
mod http;
mod members;
mod names;
mod outages;
mod proofs;
mod record;
mod suspicions;
mod tls;
mod unknown_peers;
