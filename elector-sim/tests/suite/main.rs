//! The tests of the simulator, in one binary.

mod members;
mod messages;
mod random;
mod scenario_files;
mod setup;
mod traces;
