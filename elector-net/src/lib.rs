//! Elections between machines: a [`Transport`](elector_core::actor::Transport) over TCP, with mutual
//! TLS, and a [`Storage`](elector_core::actor::Storage) that survives a crash.

#[cfg(feature = "certs")]
pub mod certs;
#[cfg(feature = "http")]
pub mod http;
mod record;
pub mod tls;
