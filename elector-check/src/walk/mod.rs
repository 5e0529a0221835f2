//! Random walks: a cluster in which every event is chosen, time included.

mod adversary;
mod broken;
mod choice;
mod event;
mod host;
mod machine;
mod moves;
mod note;
mod path;
mod plans;
mod profile;
mod report;
mod rush;
mod schedule;
mod shrink;
mod trial;
mod walks;
mod world;

pub use broken::Broken;
pub use report::{Finding, WalkReport};
pub use schedule::{Schedule, ScheduleError};
pub use walks::Walks;
