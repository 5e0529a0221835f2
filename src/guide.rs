//! The Rust code of the README and of the guide, as doc-tests.

#[doc = include_str!("../README.md")]
mod readme {}

#[doc = include_str!("../docs/fencing.md")]
mod fencing {}

#[doc = include_str!("../docs/start-application.md")]
mod start_application {}
