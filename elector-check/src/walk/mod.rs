//! Random walks: clusters in which an adversary chooses every event, including the passage of time.

mod adversary;
mod branch;
mod choice;
mod cluster;
mod event;
mod host;
mod machine;
mod moments;
mod moves;
mod note;
mod profile;
mod report;
mod runner;
mod rush;
mod schedule;
mod shrink;
mod violation;
mod walks;

pub use report::{Finding, WalkReport};
pub use schedule::{Schedule, ScheduleError};
pub use violation::Violation;
pub use walks::Walks;
