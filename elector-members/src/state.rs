use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};
use core::{
    hash::{Hash, Hasher},
    time::Duration,
};

use elector_core::{
    Configuration as _, DiskId, Epoch, Membership, Moment, NodeId, NodeSet, Outbox, View,
    quorum::Reseat,
};
use serde::{Deserialize, Serialize};

use crate::{MembersConfig, MembersDurable, MembersMessage, Rank, Roster, Voter};

/// One node of an election whose members can change. The [crate documentation](crate) explains the
/// protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Members<A: Reseat> {
    pub(crate) setup: Setup<A>,
    pub(crate) me: NodeId,
    /// The peers that an observer asks for a roster: the peers that the host (the program that runs
    /// the algorithm) named at the start, and the peers that have sent a message or were reachable
    /// since.
    pub(crate) contacts: NodeSet,
    pub(crate) durable: MembersDurable<A::Durable>,
    /// The election algorithm, while this node is a voter.
    pub(crate) seat: Option<Seat<A>>,
    /// While this node is an observer (does not vote), the leader of the epoch in its view.
    pub(crate) leader: Option<NodeId>,
    /// The state that this node has only while it leads.
    pub(crate) office: Option<Office>,
    /// The last epoch in which this voter has informed the leader that the roster has the wrong
    /// value of `is_witness` for this voter.
    pub(crate) reported: Epoch,
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MembersTimer<T> {
    /// A timer of the election algorithm.
    Inner(T),
    /// When this timer elapses, a leader sends its next beats ([`MembersMessage::Beat`]).
    Beat,
    /// When this timer elapses, an observer (a node that does not vote) has received no
    /// [`MembersMessage::Beat`] for an election timeout, and asks other nodes for their rosters.
    Seek,
}

/// The election algorithm of a voter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Seat<A> {
    pub(crate) algorithm: A,
    /// The voters, seen from this node.
    pub(crate) members: Membership,
}

/// What a node keeps only while it leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Office {
    pub(crate) epoch: Epoch,
    /// The nodes that have answered this leader, voters and observers.
    pub(crate) heard: BTreeMap<NodeId, Heard>,
    /// The goal of a change that an operator has requested and that has not begun yet. Empty if no
    /// such change is requested.
    pub(crate) wanted: Vec<Voter>,
    /// When this leader made its newest roster; `None` if it has made no roster in this tenure.
    pub(crate) changed: Option<Moment>,
    /// The lease at the time when this leader made its newest roster: the send time of the newest
    /// round of heartbeats that a majority of an earlier roster of this tenure had acknowledged.
    /// That majority still owes the leader silence: it supports no other node, which protects this
    /// lease.
    pub(crate) earned: Option<Moment>,
    /// The send time of the last beat ([`MembersMessage::Beat`]); `None` while this leader sends no
    /// beats.
    pub(crate) beat: Option<Moment>,
    /// The voters that run an earlier release, which does not know rosters.
    pub(crate) older: NodeSet,
}

/// What a leader knows about a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Heard {
    /// When the last answer of the node arrived.
    pub(crate) at: Moment,
    pub(crate) disk: Option<DiskId>,
    /// Whether the node is a witness, which never leads.
    pub(crate) is_witness: bool,
    /// Whether the node has the leader's roster on its disk, and is in the leader's epoch.
    pub(crate) holds: bool,
    /// How many beats ([`MembersMessage::Beat`]) in a row the node has answered in time, up to
    /// [`STREAK`].
    pub(crate) streak: u8,
    /// The send time of the last [`MembersMessage::Beat`] that the node has answered.
    pub(crate) answered: Moment,
}

/// The number of beats ([`MembersMessage::Beat`]) in a row that a node must answer in time, within
/// half a lease, before it can become a voter.
pub(crate) const STREAK: u8 = 5;

/// The configuration. It never changes.
#[derive(Clone, Debug)]
pub(crate) struct Setup<A: Reseat>(pub(crate) Arc<MembersConfig<A::Config>>);

// All states of one node have the same configuration. A model checker compares and hashes only
// states of the nodes of one cluster, and the id of the node is part of the state.
impl<A: Reseat> PartialEq for Setup<A> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<A: Reseat> Eq for Setup<A> {}

impl<A: Reseat> Hash for Setup<A> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Office {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            heard: BTreeMap::new(),
            wanted: Vec::new(),
            changed: None,
            earned: None,
            beat: None,
            older: NodeSet::new(),
        }
    }

    /// Returns `true` if `voter` has answered within the last `span`.
    pub(crate) fn hears(&self, voter: Voter, now: Moment, span: Duration) -> bool {
        let heard = self.heard.get(&voter.node);
        heard.is_some_and(|heard| {
            voter.is(voter.node, heard.disk) && now.saturating_since(heard.at) <= span
        })
    }

    /// Returns `true` if the node has reported another value of `is_witness` than the roster has
    /// for this voter.
    pub(crate) fn corrects(&self, voter: &Voter) -> bool {
        let heard = self.heard.get(&voter.node);
        heard.is_some_and(|heard| {
            voter.is(voter.node, heard.disk) && heard.is_witness != voter.is_witness
        })
    }

    /// Returns `true` if `voter` has the leader's roster on its disk.
    pub(crate) fn is_held_by(&self, voter: Voter) -> bool {
        let heard = self.heard.get(&voter.node);
        heard.is_some_and(|heard| heard.holds && voter.is(voter.node, heard.disk))
    }
}

impl<A: Reseat> Members<A> {
    pub(crate) fn new(
        config: &MembersConfig<A::Config>,
        universe: &Membership,
        mut durable: MembersDurable<A::Durable>,
    ) -> Self {
        if durable.roster.version == 0 {
            durable.roster = config.first_roster(universe);
        }
        let members = durable.roster.membership(universe.me(), config.disk);
        let seat = members.map(|members| Seat {
            algorithm: A::restore(
                &config.algorithm,
                members.clone(),
                durable.algorithm.clone(),
            ),
            members,
        });
        Self {
            setup: Setup(Arc::new(config.clone())),
            me: universe.me(),
            contacts: universe.peers().collect(),
            durable,
            seat,
            leader: None,
            office: None,
            reported: Epoch::ZERO,
        }
    }

    /// Returns the roster of this node.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.durable.roster
    }

    pub(crate) fn me(&self) -> NodeId {
        self.me
    }

    pub(crate) fn config(&self) -> &MembersConfig<A::Config> {
        &self.setup.0
    }

    pub(crate) fn heartbeat(&self) -> Duration {
        self.config().timing().heartbeat
    }

    /// Returns the view of this node. The epoch in the view of an observer (a node that does not
    /// vote) is the newest epoch of its views so far.
    pub(crate) fn current_view(&self) -> View {
        match &self.seat {
            Some(seat) => seat.algorithm.view(),
            None => View::following(self.durable.seen, self.leader),
        }
    }

    /// Returns the rank of the roster of this node. While this node leads, the term in the rank is
    /// its epoch. A leader writes this term to its disk only before a change of the members.
    pub(crate) fn rank(&self) -> Rank {
        let mut rank = self.durable.roster.rank();
        if let Some(office) = &self.office {
            rank.term = office.epoch;
        }
        rank
    }

    pub(crate) fn send_roster(&self, to: NodeId, out: &mut Outbox<Self>) {
        let mut roster = self.durable.roster.clone();
        roster.term = self.rank().term;
        if roster.version > 0 {
            out.send(to, MembersMessage::Roster(roster));
        }
    }

    pub(crate) fn send_holds(&self, to: NodeId, sent: Moment, out: &mut Outbox<Self>) {
        out.send(to, self.holds(sent));
    }

    pub(crate) fn holds(&self, sent: Moment) -> MembersMessage<A::Message> {
        MembersMessage::Holds {
            rank: self.rank(),
            epoch: self.current_view().epoch,
            disk: self.config().disk,
            is_witness: self.config().never_leads(),
            sent,
        }
    }
}
