//! The published protocol `MongoLoglessDynamicRaft` as a model for `stateright`.
//!
//! The protocol elects one leader for each term and lets the leader change the set of servers that
//! vote, without a log (Schultz, Zhou, Dardik, Tripakis: "Design and Analysis of a Logless Dynamic
//! Reconfiguration Protocol", OPODIS 2021). A configuration is a set of servers, a version and a
//! term. To compare two configurations, the protocol compares their terms, and if these are equal,
//! their versions.
//!
//! The model is an oracle, which shows that the protocol is right, in two ways. The numbers of
//! distinct states that the model reaches equal the numbers that TLC, the model checker of TLA+,
//! prints for the published specification. Each rule of the protocol can be dropped ([`Variant`]),
//! and then one of the [`properties`] fails.

pub mod model;
pub mod properties;
pub mod search;
pub mod server;

pub use model::{Reconfiguration, State, Step, Variant};
pub use server::{Server, Set, majorities_meet, majority};
