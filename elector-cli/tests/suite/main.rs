//! Tests of commands that end by themselves, and of commands that send requests to nodes that run
//! in this process.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")]

mod cli;
mod client;
