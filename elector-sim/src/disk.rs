use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Latency;

/// The properties of the disks, which are the same on all nodes. A disk carries out one write at a
/// time, in order. A crash of a node loses every write of the node that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Disk {
    /// How long a durable write takes. Default: uniformly distributed from 0.1 to 0.3 ms.
    pub write: Latency,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            write: Latency::uniform(Duration::from_micros(100), Duration::from_micros(300)),
        }
    }
}

impl Disk {
    /// Creates a disk on which every write takes `write`.
    #[must_use]
    pub fn constant(write: Duration) -> Self {
        Self {
            write: Latency::Constant(write),
        }
    }
}
