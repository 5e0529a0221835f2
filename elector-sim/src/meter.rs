use std::collections::BTreeMap;

use elector_core::{Epoch, NodeId, Role, View};
use serde::Serialize;

use crate::connectivity::Connectivity;

/// Measures a run from outside: which nodes run, what each node believes, whether the cluster
/// agrees, and how long it had no leader or several leaders.
///
/// A *believer* is a running node (not crashed, not paused) whose published role is leader.
///
/// The cluster is *settled* on a believer's tenure (its epoch, with it as the leader) if two
/// conditions hold: every running voter with a link to and from the believer has the same tenure in
/// its view, and these nodes, the believer included, are at least half of all running voters. Each
/// node counts as a voter, except a node that is not a member at the moment, under an algorithm
/// whose members can change. When a settled cluster stops being settled, an *election* begins. It
/// ends when the cluster is settled on another tenure.
#[derive(Debug)]
pub(crate) struct Meter {
    nodes: Vec<ObservedNode>,
    believers: usize,
    running: usize,
    settled: Option<Settled>,
    last: Option<Settled>,
    clock: u64,
    times: Times,
    elections: Vec<Election>,
    open: Option<OpenElection>,
    /// The traffic at the start of the last election, as long as the message count of that election
    /// is not final; otherwise `None`. The count ends when the agreement after that election is
    /// lost.
    charging: Option<Traffic>,
    messages: Traffic,
    tenures: u64,
    /// The nodes that have led each epoch since boot, at the same time or one after another.
    leaders: BTreeMap<Epoch, Vec<NodeId>>,
}

#[derive(Clone, Copy, Debug)]
struct ObservedNode {
    id: NodeId,
    view: View,
    running: bool,
    /// Whether the node votes. A node that does not vote does not count for the agreement.
    votes: bool,
}

/// A tenure (the epoch and its leader) on which the nodes agree: all running voters with links to
/// and from the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// The leader of the tenure.
    pub leader: NodeId,
    /// The epoch that the leader leads.
    pub epoch: Epoch,
    /// When the agreement began, in nanoseconds of virtual time.
    pub at_ns: u64,
}

/// How long the cluster had no leader or several leaders, in nanoseconds, since boot or since the
/// counts were reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// How long no running node believed that it leads.
    pub leaderless_ns: u64,
    /// How long two or more nodes believed that they lead.
    pub split_brain_ns: u64,
}

/// One election: from the loss of agreement until agreement on another tenure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Election {
    /// When the agreement was lost; 0 for the first election.
    pub opened_ns: u64,
    /// When the winner began to believe that it leads.
    pub winner_ns: u64,
    /// When all running, reachable nodes knew the winner.
    pub settled_ns: u64,
    /// The node that won the election.
    pub leader: NodeId,
    /// The epoch that the winner leads.
    pub epoch: Epoch,
    /// The number of election messages that were sent from the loss of the agreement before this
    /// election until the loss of the agreement after it. So late messages count too.
    pub messages: u64,
    /// The size of the messages that `messages` counts, in bytes.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct OpenElection {
    at: u64,
    winner: Option<(NodeId, Epoch, u64)>,
    before: Traffic,
}

impl Meter {
    pub(crate) fn new(ids: &[NodeId]) -> Self {
        let observed = |&id: &NodeId| ObservedNode {
            id,
            view: View::default(),
            running: false,
            votes: true,
        };
        Self {
            nodes: ids.iter().map(observed).collect(),
            believers: 0,
            running: 0,
            settled: None,
            last: None,
            clock: 0,
            times: Times::default(),
            elections: Vec::new(),
            open: Some(OpenElection {
                at: 0,
                winner: None,
                before: Traffic::default(),
            }),
            charging: None,
            messages: Traffic::default(),
            tenures: 0,
            leaders: BTreeMap::new(),
        }
    }

    /// Resets all counts. If the cluster agrees on a leader (is settled), this agreement stays.
    pub(crate) fn restart_counts(&mut self, now: u64) {
        self.advance(now);
        self.times = Times::default();
        self.elections.clear();
        self.charging = None;
        self.messages = Traffic::default();
        self.tenures = 0;
        if let Some(open) = &mut self.open {
            *open = OpenElection {
                at: now,
                winner: open.winner,
                before: Traffic::default(),
            };
        }
    }

    pub(crate) fn viewed(
        &mut self,
        node: usize,
        view: View,
        now: u64,
        connectivity: &Connectivity,
    ) {
        self.advance(now);
        let observed = &mut self.nodes[node];
        let led = observed.view.leads() && observed.view.epoch == view.epoch;
        observed.view = view;
        let id = observed.id;
        if view.role != Role::Leader || led {
            return self.assess(now, connectivity);
        }
        self.tenures += 1;
        let leaders = self.leaders.entry(view.epoch).or_default();
        if !leaders.contains(&id) {
            leaders.push(id);
        }
        self.won(id, view.epoch, now);
        self.assess(now, connectivity);
        // All nodes may have agreed on another leader until this node began to lead. Then `assess`
        // has opened a new election, after the first call of `won` above. So this node must be
        // recorded as the winner of the new election, too.
        self.won(id, view.epoch, now);
    }

    fn won(&mut self, leader: NodeId, epoch: Epoch, now: u64) {
        if let Some(open) = &mut self.open {
            open.winner = Some((leader, epoch, now));
        }
    }

    /// Records whether a node runs from now on. A node does not run while it is paused or down.
    pub(crate) fn set_running(
        &mut self,
        node: usize,
        running: bool,
        now: u64,
        connectivity: &Connectivity,
    ) {
        self.nodes[node].running = running;
        self.connectivity_changed(now, connectivity);
    }

    /// Records whether a node votes from now on.
    pub(crate) fn set_votes(
        &mut self,
        node: usize,
        votes: bool,
        now: u64,
        connectivity: &Connectivity,
    ) {
        if self.nodes[node].votes != votes {
            self.nodes[node].votes = votes;
            self.connectivity_changed(now, connectivity);
        }
    }

    pub(crate) fn connectivity_changed(&mut self, now: u64, connectivity: &Connectivity) {
        self.advance(now);
        self.assess(now, connectivity);
    }

    pub(crate) fn election_message(&mut self, bytes: u64) {
        self.messages.messages += 1;
        self.messages.bytes += bytes;
    }

    pub(crate) fn settled(&self) -> Option<Settled> {
        self.settled
    }

    pub(crate) fn believers(&self) -> usize {
        self.believers
    }

    pub(crate) fn tenures(&self) -> u64 {
        self.tenures
    }

    /// Returns the largest number of nodes that have led the same epoch since boot, at the same
    /// time or one after another.
    pub(crate) fn most_leaders(&self) -> usize {
        self.leaders.values().map(Vec::len).max().unwrap_or(0)
    }

    /// Returns the number and the size of the messages that were sent for elections, since boot or
    /// since the counts were reset.
    pub(crate) fn traffic(&self) -> Traffic {
        self.messages
    }

    pub(crate) fn believing(&self) -> impl Iterator<Item = usize> + '_ {
        let nodes = self.nodes.iter().enumerate();
        nodes
            .filter(|(_, node)| node.believes())
            .map(|(place, _)| place)
    }

    pub(crate) fn times(&mut self, now: u64) -> Times {
        self.advance(now);
        self.times
    }

    /// Returns the elections that ended since boot or since the counts were reset.
    pub(crate) fn elections(&self) -> Vec<Election> {
        let until = self.open.map_or(self.messages, |open| open.before);
        let mut elections = self.elections.clone();
        if let (Some(from), Some(last)) = (self.charging, elections.last_mut()) {
            last.charge(from, until);
        }
        elections
    }

    /// Returns `true` if all running nodes agree on one tenure, its leader included. This must hold
    /// some time after all faults have ended. There is one exception: a node that does not vote may
    /// be in a newer epoch, because it tried to win an election while it still voted. Such a node
    /// shows no leader until the other nodes have reached its epoch.
    pub(crate) fn unanimous(&self) -> bool {
        self.settled.is_some_and(|settled| {
            self.nodes.iter().filter(|node| node.running).all(|node| {
                let agrees =
                    node.view.epoch == settled.epoch && node.view.leader == Some(settled.leader);
                agrees || !node.votes && node.view.epoch > settled.epoch
            })
        })
    }

    fn advance(&mut self, now: u64) {
        let passed = now - self.clock;
        self.clock = now;
        match self.believers {
            0 => self.times.leaderless_ns += passed,
            1 => {}
            _ => self.times.split_brain_ns += passed,
        }
    }

    fn assess(&mut self, now: u64, connectivity: &Connectivity) {
        self.believers = self.nodes.iter().filter(|node| node.believes()).count();
        let voters = self.nodes.iter().filter(|node| node.running && node.votes);
        self.running = voters.count();
        let tenure = self
            .believing()
            .find(|&leader| self.agreed(leader, connectivity));
        match tenure.map(|leader| self.nodes[leader].view) {
            Some(View {
                epoch,
                leader: Some(leader),
                ..
            }) => self.settle(leader, epoch, now),
            _ => self.unsettle(now),
        }
    }

    fn agreed(&self, leader: usize, connectivity: &Connectivity) -> bool {
        let of = self.nodes[leader].view;
        let mut reached = 0;
        for (place, node) in self.nodes.iter().enumerate() {
            if !node.running || !node.votes || !connectivity.are_connected(leader, place) {
                continue;
            }
            if node.view.epoch != of.epoch || node.view.leader != of.leader {
                return false;
            }
            reached += 1;
        }
        2 * reached >= self.running
    }

    fn settle(&mut self, leader: NodeId, epoch: Epoch, now: u64) {
        let same = |settled: Settled| settled.leader == leader && settled.epoch == epoch;
        if self.settled.is_some_and(same) {
            return;
        }
        // No election is open if the nodes pass from one leader or epoch to the next without a
        // moment of disagreement, for example in a cluster of one node.
        let open = self.open.take().unwrap_or(OpenElection {
            at: now,
            winner: None,
            before: self.messages,
        });
        if let (Some(from), Some(last)) = (self.charging.take(), self.elections.last_mut()) {
            last.charge(from, open.before);
        }
        // If the nodes agree on the same tenure as before the loss of agreement, there was no
        // election. This happens for example when a node or a link comes back.
        if !self.last.is_some_and(same) {
            let won = open
                .winner
                .filter(|&(node, of, _)| (node, of) == (leader, epoch));
            self.elections.push(Election {
                opened_ns: open.at,
                winner_ns: won.map_or(now, |(_, _, at)| at),
                settled_ns: now,
                leader,
                epoch,
                messages: 0,
                bytes: 0,
            });
            self.charging = Some(open.before);
        }
        self.settled = Some(Settled {
            leader,
            epoch,
            at_ns: now,
        });
        self.last = self.settled;
    }

    fn unsettle(&mut self, now: u64) {
        if self.settled.take().is_some() {
            self.open = Some(OpenElection {
                at: now,
                winner: None,
                before: self.messages,
            });
        }
    }
}

impl Election {
    fn charge(&mut self, from: Traffic, until: Traffic) {
        self.messages = until.messages - from.messages;
        self.bytes = until.bytes - from.bytes;
    }
}

impl ObservedNode {
    fn believes(&self) -> bool {
        self.running && self.view.leads()
    }
}
