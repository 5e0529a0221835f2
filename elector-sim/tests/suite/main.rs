//! The tests of the simulator, in one binary.

mod messages;
mod random;
mod scenario_files;
mod setup;
mod traces;
