//! An election algorithm of your own, and what it gets for nothing: the whole command line. It
//! meets every fault, invariant and order of events, and its nodes run as processes:
//!
//! ```text
//! cargo run --release --example my_algorithm -- compare --algorithms mine,raft/plain
//! cargo run --release --example my_algorithm -- check --algorithm mine --nodes 2
//! cargo run --release --example my_algorithm -- run --algorithm mine --help
//! ```
//!
//! "First come": a node that misses the leader asks all others for the next epoch, and each node
//! grants an epoch once. It is Raft's vote without pre-vote; the table shows what that is worth.
//!
//! The lease: a leader counts from when it sent the newest round that a majority has acknowledged.
//! A node that acknowledged one grants nothing for `election_min`, which is longer than the lease.

use std::process::ExitCode;

use elector_cli::Cli;
use elector_core::{
    Acks, Command, Comparable, Delay, ElectionAlgorithm, Epoch, Input, Membership, Message, Moment,
    NodeId, Outbox, Pledge, Purpose, Quorum, Role, Tally, Timing, Verdict, View,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Say {
    Ask(Epoch),
    Grant(Epoch),
    Announce(Epoch, Moment),
    Lead(Epoch, Moment),
    /// Echoes when the round was sent.
    Heard(Epoch, Moment),
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ask(_) => "Ask",
            Self::Grant(_) => "Grant",
            Self::Announce(..) => "Announce",
            Self::Lead(..) => "Lead",
            Self::Heard(..) => "Heard",
        }
    }
    fn purpose(&self) -> Purpose {
        match self {
            Self::Lead(..) | Self::Heard(..) => Purpose::Liveness,
            Self::Ask(_) | Self::Grant(_) | Self::Announce(..) => Purpose::Election,
        }
    }
    fn epoch(&self) -> Option<Epoch> {
        match *self {
            Self::Ask(epoch) | Self::Grant(epoch) => Some(epoch),
            Self::Announce(epoch, _) | Self::Lead(epoch, _) | Self::Heard(epoch, _) => Some(epoch),
        }
    }
    fn pledge(&self, to: NodeId) -> Option<Pledge> {
        let Self::Grant(of) = *self else { return None };
        Some(Pledge::vote(of, to))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct FirstCome {
    members: Membership,
    timing: Timing,
    /// The newest epoch this node granted, and to whom: all that must survive a crash.
    granted: (Epoch, Option<NodeId>),
    view: View,
    votes: Tally,
    acks: Acks,
    /// Whether a leader may count on it that this node grants nothing.
    silent: bool,
}

impl FirstCome {
    fn follow(&mut self, leader: Option<NodeId>, out: &mut Outbox<Self>) {
        self.view = View::following(self.granted.0, leader);
        let silent = self.silent.then(|| self.timing.vigil());
        out.set_timer((), silent.unwrap_or(self.timing.election()));
    }
    fn lead(&mut self, say: fn(Epoch, Moment) -> Say, out: &mut Outbox<Self>) {
        self.acks
            .record(&self.members, self.members.me(), out.now());
        out.broadcast(&say(self.granted.0, out.now()));
        out.set_timer((), Delay::exactly(self.timing.heartbeat));
    }
    fn campaign(&mut self, out: &mut Outbox<Self>) {
        let me = self.members.me();
        self.granted = (self.granted.0.next(), Some(me));
        self.view = View::campaigning(self.granted.0);
        self.votes = Tally::new();
        out.broadcast(&Say::Ask(self.granted.0));
        out.set_timer((), self.timing.election());
        self.count(me, out);
    }
    fn count(&mut self, voter: NodeId, out: &mut Outbox<Self>) {
        let verdict = self.votes.record(&self.members, voter, true);
        if self.view.role == Role::Candidate && verdict == Verdict::Won {
            self.view = View::leading(self.granted.0, self.members.me());
            self.acks = Acks::new(&self.members);
            self.lead(Say::Announce, out);
        }
    }
    fn hear(&mut self, from: NodeId, message: &Say, out: &mut Outbox<Self>) {
        let (known, granted_to) = self.granted;
        match *message {
            Say::Ask(epoch) if epoch > known && !self.silent => {
                self.granted = (epoch, Some(from));
                out.send(from, Say::Grant(epoch));
                self.follow(None, out);
            }
            Say::Grant(epoch) if epoch == known => self.count(from, out),
            Say::Announce(epoch, sent) | Say::Lead(epoch, sent) if epoch >= known => {
                self.granted = (epoch, granted_to.filter(|_| epoch == known));
                self.silent = true;
                out.send(from, Say::Heard(epoch, sent));
                self.follow(Some(from), out);
            }
            Say::Heard(epoch, sent) if epoch == known && self.view.role == Role::Leader => {
                self.acks.record(&self.members, from, sent);
            }
            // Of an epoch that this node has left, or not what it may grant.
            _ => {}
        }
    }
    fn timeout(&mut self, out: &mut Outbox<Self>) {
        match self.view.role {
            Role::Leader => self.lead(Say::Lead, out),
            Role::Follower if self.silent => {
                self.silent = false;
                out.set_timer((), self.timing.stagger(0));
            }
            Role::Follower | Role::Candidate => self.campaign(out),
        }
    }
}

impl ElectionAlgorithm for FirstCome {
    const NAME: &'static str = "mine";
    type Guarantee = Quorum;
    type Config = Timing;
    type Message = Say;
    type Timer = ();
    type Durable = (Epoch, Option<NodeId>);

    fn restore(timing: &Timing, members: Membership, granted: Self::Durable) -> Self {
        Self {
            view: View::following(granted.0, None),
            members,
            timing: *timing,
            votes: Tally::new(),
            acks: Acks::default(),
            // It may have acknowledged a leader just before it crashed.
            silent: granted.0 > Epoch::ZERO,
            granted,
        }
    }
    fn has_lease(_: &Timing) -> bool {
        true
    }
    fn lease(&self) -> Option<Moment> {
        let leads = self.view.role == Role::Leader;
        leads.then(|| self.acks.quorum(&self.members)).flatten()
    }
    fn durable(&self) -> &Self::Durable {
        &self.granted
    }
    fn view(&self) -> View {
        self.view
    }
    fn step(&mut self, input: Input<Say, ()>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.follow(None, out),
            Input::Received { from, message } => self.hear(from, &message, out),
            Input::Elapsed(()) => self.timeout(out),
            Input::Commanded(Command::Campaign)
                if self.silent || self.view.role == Role::Leader =>
            {
                out.refuse("there is a leader");
            }
            Input::Commanded(Command::Campaign) => self.campaign(out),
            Input::Commanded(_) => out.refuse("this algorithm knows no handover"),
            Input::Suspected(_) | Input::Silent(_) | Input::Died(_) | Input::Returned(_) => {}
        }
    }
}

impl Comparable for FirstCome {
    const SUMMARY: &'static str = "At most one leader per epoch: each node grants an epoch once";
}

pub(crate) fn main() -> ExitCode {
    Cli::standard()
        .with::<FirstCome>()
        .started_by("cargo run --release --example my_algorithm --")
        .main()
}
