//! The tests of commands that end by themselves, or run against nodes of this process.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod cli;
mod client;
