//! The published protocol `MongoLoglessDynamicRaft` as a model for `stateright`.
//!
//! The protocol elects one leader for each term and lets the leader change the set of servers
//! that vote, without a log (Schultz, Zhou, Dardik, Tripakis: "Design and Analysis of a Logless
//! Dynamic Reconfiguration Protocol", OPODIS 2021). A configuration is a set of servers, a
//! version and a term. Two configurations compare by term, then by version.
//!
//! The model is an oracle in two ways. The numbers of distinct states that it reaches equal the
//! ones that TLC prints for the published specification. Each rule of the protocol can be dropped
//! ([`Variant`]), and then one of the [`properties`] fails.

pub mod model;
pub mod properties;
pub mod search;
pub mod server;

pub use model::{Reconfiguration, State, Step, Variant};
pub use server::{Server, Set, majorities_meet, majority};
