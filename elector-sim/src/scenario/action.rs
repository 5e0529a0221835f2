use std::time::Duration;

use elector_core::millis;
use serde::{Deserialize, Serialize};

use super::{ChangeMembers, Composition, Graph, MessageFault, Selector};
use crate::{Disk, Network};

/// One action of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// End processes.
    Crash(Selector),
    /// Restart crashed processes.
    Restart(Selector),
    /// Stop processes as SIGSTOP does.
    Pause(Selector),
    /// Resume paused processes.
    Resume(Selector),
    /// End processes and empty their disks. This is not safe for any quorum algorithm whose members
    /// are fixed.
    Wipe(Selector),
    /// Cut all links between these nodes and all other nodes, in both directions.
    Split(Selector),
    /// Cut directed links.
    Cut(Cut),
    /// Cut all links except those to and from these nodes.
    Star(Selector),
    /// Cut all links except those between neighbours on a line. The line begins with this node; the
    /// other nodes follow in id order.
    Line(Selector),
    /// Mend all links, and then cut all links except those of a random graph.
    Graph(Graph),
    /// Mend all links, and end the faults of single messages.
    Heal,
    /// Use this network from now on.
    Network(Network),
    /// Delay, lose or duplicate some messages.
    Messages(MessageFault),
    /// Use these disks from now on.
    Disk(Disk),
    /// Stall disks: no write ends for a while.
    Stall(Stall),
    /// Make clocks run fast or slow.
    Drift(Drift),
    /// Turn proofs of death on or off. If they are on, the peers of a node get a proof when the
    /// process of the node ends.
    Hints(bool),
    /// Make nodes suspect that connections broke. The suspicion may be wrong.
    Suspect(Suspicion),
    /// Give nodes proofs that processes have ended. If a proof is false, no lease is safe.
    Prove(Suspicion),
    /// Command nodes to campaign.
    Campaign(Selector),
    /// Command leaders to resign.
    Resign(Selector),
    /// Command leaders to transfer leadership.
    Transfer(Transfer),
    /// Make an operator ask the leader to change the members.
    Members(ChangeMembers),
    /// Crash and restart every node, one after another in id order.
    RollingRestart(Rolling),
    /// Random faults of many kinds for a while: crashes, pauses, cut links, lost messages and
    /// stalled disks.
    Churn(Churn),
    /// Random faults of a few kinds for a while.
    Compose(Compose),
}

/// The directed links to cut: from each node of one selection to each node of another selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// The senders whose messages are lost.
    pub from: Selector,
    /// The receivers that get no messages from these senders.
    pub to: Selector,
}

/// A stall of disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    /// The nodes whose disks stall.
    pub node: Selector,
    /// How long the disks stall.
    #[serde(rename = "for_ms", with = "millis")]
    pub duration: Duration,
}

/// A changed rate of clocks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The nodes whose clocks run at the rate `rate`.
    pub node: Selector,
    /// How many seconds these clocks advance in one true second.
    pub rate: f64,
}

/// A suspicion or a proof of death, true or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suspicion {
    /// The nodes that get the suspicion or the proof.
    pub node: Selector,
    /// The peers that these nodes suspect, or whose death is proven to them.
    pub peer: Selector,
}

/// A leadership transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The leader that transfers leadership.
    pub from: Selector,
    /// The successor is the first of these nodes.
    pub to: Selector,
}

/// A restart of all nodes, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// How long each node is down.
    #[serde(rename = "down_ms", with = "millis")]
    pub down: Duration,
    /// How long after the restart of a node the next node goes down.
    #[serde(rename = "gap_ms", with = "millis")]
    pub gap: Duration,
}

/// Random faults at random moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Churn {
    /// How long faults occur.
    #[serde(rename = "for_ms", with = "millis")]
    pub duration: Duration,
    /// The mean time between two faults.
    #[serde(rename = "every_ms", with = "millis")]
    pub every: Duration,
    /// Whether applications also give commands to any node: campaign, resign, transfer.
    #[serde(default)]
    pub commands: bool,
    /// Whether nodes also suspect that connections broke. Most of these suspicions are wrong.
    #[serde(default)]
    pub wrong_hints: bool,
    /// Whether the disks of random nodes are emptied too. This is not safe for any quorum
    /// algorithm.
    #[serde(default)]
    pub lost_disks: bool,
}

/// Random faults of a few kinds. A fault that begins at a random moment, for example a pause, also
/// ends without another step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compose {
    /// How long faults occur.
    #[serde(rename = "for_ms", with = "millis")]
    pub duration: Duration,
    /// The kinds of faults. If this is empty, the seed of the run draws them.
    #[serde(default)]
    pub of: Composition,
}
