//! A minimal election algorithm with a quorum guarantee, and flaws that break this guarantee.

use elector_core::{
    Acks, Command, Configuration, Delay, ElectionAlgorithm, Epoch, Input, Membership, Message,
    Moment, NodeId, NodeSet, Outbox, Pledge, Purpose, Quorum, Role, Timing, View,
};
use serde::{Deserialize, Serialize};

/// A node that receives no heartbeat of a leader asks all nodes for the next epoch. Each node
/// grants an epoch to only one node: the first one that asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FirstCome {
    members: Membership,
    rules: Rules,
    granted: Granted,
    view: View,
    votes: NodeSet,
    acks: Acks,
    /// Whether this node may have acknowledged a leader whose lease has not ended yet. While this
    /// is `true`, the node grants no epoch to another node.
    silent: bool,
    /// The state on the disk: the newest epoch, and the node to which this node has granted it.
    /// With [`Flaw::VoteNotDurable`], the disk does not contain that node.
    durable: Granted,
}

/// The newest epoch, and the node to which this node has granted it.
type Granted = (Epoch, Option<NodeId>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) timing: Timing,
    pub(crate) flaw: Flaw,
    /// Whether followers acknowledge their leader and vote for no other node until its lease has
    /// ended.
    pub(crate) leases: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Flaw {
    #[default]
    None,
    /// The newest epoch survives a crash, but a node forgets to which node it has granted this
    /// epoch.
    VoteNotDurable,
    /// A candidate leads with one grant less than a majority.
    MajorityOffByOne,
    /// Every node that asks in the current epoch gets the grant.
    GrantsTwice,
    /// A restarted node begins with the epoch before its last one.
    EpochGoesBack,
    /// A leader sends its heartbeat to itself too.
    SendsToItself,
    /// A grant that arrives at a node that is not a candidate causes a panic.
    Panics,
    /// A voter does not wait for the end of the lease that it has acknowledged.
    BreaksSilence,
    /// A restarted voter forgets that it may have acknowledged a leader whose lease has not ended.
    ForgetsSilence,
    /// A lease begins when the answer to a heartbeat arrives, instead of when the heartbeat was
    /// sent.
    LeaseFromReceipt,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Say {
    Ask(Epoch),
    Grant(Epoch),
    /// The sender leads the epoch. The moment is the time at which it sent this heartbeat.
    Lead(Epoch, Moment),
    /// The sender follows the leader of the epoch. The moment is the timestamp of the heartbeat to
    /// which this message is the answer.
    Follow(Epoch, Moment),
}

impl Configuration for Rules {
    fn timing(&self) -> &Timing {
        &self.timing
    }

    fn timing_mut(&mut self) -> &mut Timing {
        &mut self.timing
    }
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ask(_) => "Ask",
            Self::Grant(_) => "Grant",
            Self::Lead(..) => "Lead",
            Self::Follow(..) => "Follow",
        }
    }

    fn purpose(&self) -> Purpose {
        Purpose::Election
    }

    fn pledge(&self, to: NodeId) -> Option<Pledge> {
        match *self {
            Self::Grant(epoch) => Some(Pledge::vote(epoch, to)),
            Self::Ask(_) | Self::Lead(..) | Self::Follow(..) => None,
        }
    }
}

impl FirstCome {
    fn grant(&mut self, granted: Granted) {
        self.granted = granted;
        self.durable = match self.rules.flaw {
            Flaw::VoteNotDurable => (granted.0, None),
            _ => granted,
        };
    }

    fn follow(&mut self, leader: Option<NodeId>, out: &mut Outbox<Self>) {
        self.view = View::following(self.granted.0, leader);
        let owes_silence = self.rules.leases && self.rules.flaw != Flaw::BreaksSilence;
        self.silent |= owes_silence && leader.is_some();
        out.set_timer((), self.rules.timing.election());
    }

    fn lead(&mut self, out: &mut Outbox<Self>) {
        let me = self.members.me();
        self.view = View::leading(self.granted.0, me);
        let now = out.now();
        if self.rules.leases {
            self.acks.record(&self.members, me, now);
        }
        out.broadcast(&Say::Lead(self.granted.0, now));
        out.set_timer((), Delay::exactly(self.rules.timing.heartbeat));
        if self.rules.flaw == Flaw::SendsToItself {
            out.send(me, Say::Lead(self.granted.0, now));
        }
    }

    fn campaign(&mut self, out: &mut Outbox<Self>) {
        let me = self.members.me();
        self.grant((self.granted.0.next(), Some(me)));
        self.view = View::campaigning(self.granted.0);
        self.votes = NodeSet::new();
        self.silent = false;
        out.broadcast(&Say::Ask(self.granted.0));
        out.set_timer((), self.rules.timing.election());
        self.count(me, out);
    }

    fn count(&mut self, voter: NodeId, out: &mut Outbox<Self>) {
        assert!(self.rules.flaw != Flaw::Panics || self.view.role == Role::Candidate);
        if self.view.role == Role::Candidate {
            self.votes.insert(voter);
            let lacking = usize::from(self.rules.flaw == Flaw::MajorityOffByOne);
            if self.votes.len() + lacking >= self.members.majority() {
                if self.rules.leases {
                    self.acks = Acks::new(&self.members);
                }
                self.lead(out);
            }
        }
    }

    fn acknowledged(&mut self, from: NodeId, mut sent: Moment, now: Moment) {
        if self.rules.flaw == Flaw::LeaseFromReceipt {
            self.acks.record(&self.members, self.members.me(), now);
            sent = now;
        }
        self.acks.record(&self.members, from, sent);
    }

    fn receive(&mut self, from: NodeId, message: &Say, out: &mut Outbox<Self>) {
        let (known, to) = self.granted;
        match *message {
            Say::Ask(_) if self.silent => {}
            Say::Ask(epoch) if epoch > known => {
                self.grant((epoch, Some(from)));
                out.send(from, Say::Grant(epoch));
                self.follow(None, out);
            }
            Say::Ask(epoch) if epoch == known => {
                let free = to.is_none() || self.rules.flaw == Flaw::GrantsTwice;
                if free && self.view.leader.is_none() {
                    self.grant((epoch, Some(from)));
                    out.send(from, Say::Grant(epoch));
                }
            }
            Say::Grant(epoch) if epoch == known => self.count(from, out),
            Say::Lead(epoch, sent) if epoch >= known => {
                self.grant((epoch, to.filter(|_| epoch == known)));
                self.follow(Some(from), out);
                if self.rules.leases {
                    out.send(from, Say::Follow(epoch, sent));
                }
            }
            Say::Follow(epoch, sent) if epoch == known && self.view.role == Role::Leader => {
                self.acknowledged(from, sent, out.now());
            }
            // The message is stale: it belongs to an epoch that this node has left, or the node
            // does not need it any more.
            Say::Ask(_) | Say::Grant(_) | Say::Lead(..) | Say::Follow(..) => {}
        }
    }
}

impl ElectionAlgorithm for FirstCome {
    const NAME: &'static str = "first-come";

    type Guarantee = Quorum;
    type Config = Rules;
    type Message = Say;
    type Timer = ();
    type Durable = Granted;

    fn restore(rules: &Rules, members: Membership, durable: Granted) -> Self {
        let (mut granted, mut epoch) = (durable, durable.0);
        if rules.flaw == Flaw::EpochGoesBack && epoch > Epoch::ZERO {
            epoch = Epoch(epoch.0 - 1);
            granted = (epoch, None);
        }
        Self {
            members,
            rules: rules.clone(),
            granted,
            view: View::following(epoch, None),
            votes: NodeSet::new(),
            acks: Acks::default(),
            silent: rules.leases
                && epoch > Epoch::ZERO
                && !matches!(rules.flaw, Flaw::ForgetsSilence | Flaw::BreaksSilence),
            durable,
        }
    }

    fn durable(&self) -> &Granted {
        &self.durable
    }

    fn view(&self) -> View {
        self.view
    }

    fn lease(&self) -> Option<Moment> {
        self.acks.quorum(&self.members)
    }

    fn step(&mut self, input: Input<Say, ()>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.follow(None, out),
            Input::Received { from, message } => self.receive(from, &message, out),
            Input::Elapsed(()) if self.view.role == Role::Leader => self.lead(out),
            Input::Commanded(Command::Campaign) if self.silent => out.refuse("there is a leader"),
            Input::Elapsed(()) | Input::Commanded(Command::Campaign) => self.campaign(out),
            Input::Died(peer) if self.view.leader == Some(peer) => self.campaign(out),
            // The node ignores these inputs: it may have acknowledged a leader whose lease has not
            // ended, and then it must not support another node.
            Input::Suspected(_) | Input::Silent(_) | Input::Died(_) | Input::Returned(_) => {}
            Input::Commanded(_) => out.refuse("first-come has no transfer"),
        }
    }
}
