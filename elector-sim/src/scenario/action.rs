use std::time::Duration;

use elector_core::millis;
use serde::{Deserialize, Serialize};

use super::{Composition, Graph, MessageFault, Selector};
use crate::{Disk, Network};

/// One thing that a scenario does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// End processes.
    Crash(Selector),
    /// Start crashed processes again.
    Restart(Selector),
    /// Stop processes as SIGSTOP does.
    Pause(Selector),
    /// Let paused processes run on.
    Resume(Selector),
    /// End processes and empty their disks. Not safe for any quorum algorithm.
    Wipe(Selector),
    /// Cut all links, both ways, between these nodes and the rest.
    Split(Selector),
    /// Cut directed links.
    Cut(Cut),
    /// Leave exactly the links to and from these nodes.
    Star(Selector),
    /// Leave only the links between neighbours on a line in id order that begins with this node.
    Line(Selector),
    /// Leave exactly the links of a random graph.
    Graph(Graph),
    /// Mend all links, and end the faults of single messages.
    Heal,
    /// Have this network from now on.
    Network(Network),
    /// Delay, lose or duplicate some messages.
    Messages(MessageFault),
    /// Have these disks from now on.
    Disk(Disk),
    /// Let disks finish nothing for a while.
    Stall(Stall),
    /// Let clocks run fast or slow.
    Drift(Drift),
    /// Give proofs of ended processes from now on, or none.
    Hints(bool),
    /// Report broken connections that may not be broken.
    Suspect(Suspicion),
    /// Prove that processes have ended. If they have not, no lease is safe.
    Prove(Suspicion),
    /// Have nodes campaign.
    Campaign(Selector),
    /// Have leaders resign.
    Resign(Selector),
    /// Have leaders hand over.
    Transfer(Transfer),
    /// Crash and restart every node, one after another in id order.
    RollingRestart(Rolling),
    /// Random faults of all kinds for a while.
    Churn(Churn),
    /// Random faults of a few kinds for a while.
    Compose(Compose),
}

/// Directed links, each node of one selection to each of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Who is not heard any more...
    pub from: Selector,
    /// ...by whom.
    pub to: Selector,
}

/// A disk that hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    /// Whose disks.
    pub node: Selector,
    /// How long.
    #[serde(rename = "for_ms", with = "millis")]
    pub duration: Duration,
}

/// Clocks at another rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Whose clocks.
    pub node: Selector,
    /// Seconds of this clock per true second.
    pub rate: f64,
}

/// A suspicion or a proof, right or wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspicion {
    /// The nodes that get the suspicion.
    pub node: Selector,
    /// Who is said to be gone.
    pub peer: Selector,
}

/// A leadership transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The leader who is to hand over.
    pub from: Selector,
    /// The first of these becomes the leader.
    pub to: Selector,
}

/// A restart of all nodes, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// How long each node is down.
    #[serde(rename = "down_ms", with = "millis")]
    pub down: Duration,
    /// How long until the next goes down.
    #[serde(rename = "gap_ms", with = "millis")]
    pub gap: Duration,
}

/// Random faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// For how long.
    #[serde(rename = "for_ms", with = "millis")]
    pub duration: Duration,
    /// Mean time between two of them.
    #[serde(rename = "every_ms", with = "millis")]
    pub every: Duration,
    /// Whether applications give commands too: campaign, resign, transfer, at any node.
    #[serde(default)]
    pub commands: bool,
    /// Whether nodes also suspect that connections broke, mostly wrongly.
    #[serde(default)]
    pub wrong_hints: bool,
    /// Whether disks are lost too. Not safe for any quorum algorithm.
    #[serde(default)]
    pub lost_disks: bool,
}

/// Random faults of a few kinds. Each kind that strikes again and again ends each of its faults
/// itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    /// For how long.
    #[serde(rename = "for_ms", with = "millis")]
    pub duration: Duration,
    /// Which kinds. Empty: the seed of the run draws them.
    #[serde(default)]
    pub of: Composition,
}
