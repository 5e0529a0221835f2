//! What the `elector` command is made of, apart from its arguments: pictures of a run, drawn from
//! its [trace](elector_core::trace) and nothing else, whatever host it ran in.

pub mod diagram;
mod history;
#[cfg(test)]
mod sample;
pub mod timeline;
