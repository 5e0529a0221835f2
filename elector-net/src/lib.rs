//! Elections between machines: a [`Transport`](elector_core::actor::Transport) over TCP, with mutual
//! TLS, and a [`Storage`](elector_core::actor::Storage) that survives a crash.

#[cfg(feature = "certs")]
pub mod certs;
#[cfg(feature = "http")]
pub mod http;
mod record;
mod tls;

pub use record::{FileStorage, Identity, RecordError, SlotState, Summary};
