//! `elector node`: one node of a real cluster, as a process.

mod algorithm;
mod arguments;
mod error;
mod log;
mod plan;
mod serve;
mod settings;
mod signals;

pub(crate) use arguments::NodeArguments;
pub use error::ServeError;
pub(crate) use serve::node;
