//! Random walks: a cluster in which every event is chosen, time included.

mod adversary;
mod choice;
mod duty;
mod event;
mod machine;
mod moves;
mod note;
mod path;
mod plans;
mod profile;
mod promises;
mod report;
mod rush;
mod schedule;
mod shrink;
mod trial;
mod walks;
mod world;

pub use promises::Broken;
pub use report::{Finding, WalkReport};
pub use schedule::{Schedule, ScheduleError};
pub use walks::Walks;
