//! `elector node`: one node of a real cluster, as a process.

mod algorithm;
mod arguments;
mod checks;
mod command;
mod duty;
mod ending;
mod error;
mod log;
mod members;
mod plan;
mod reload;
mod serve;
mod service;
mod settings;
mod signals;
mod views;
mod worker;

pub(crate) use arguments::NodeArguments;
pub(crate) use command::{RunArguments, run};
pub use error::ServeError;
pub(crate) use members::{Members, members};
pub(crate) use serve::node;
