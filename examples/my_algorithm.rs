//! An election algorithm of your own, in a program with the whole command line of `elector`. The
//! program compares the algorithm with others under every fault, checks its invariants in every
//! order of events, and runs its nodes as processes:
//!
//! ```text
//! cargo run --release --example my_algorithm -- compare --algorithms mine,raft/plain
//! cargo run --release --example my_algorithm -- check --algorithm mine --nodes 2
//! cargo run --release --example my_algorithm -- run --algorithm mine --help
//! ```
//!
//! `docs/write-your-own.md` explains this program step by step. A test compares the two.
//!
//! The algorithm is called "first come". A node that receives no heartbeat of the leader asks all
//! its peers for the next epoch, and each node grants an epoch once. This is Raft's vote without
//! pre-vote. The table that `compare` prints shows how the algorithm differs from Raft.
//!
//! The lease counts from the time at which the leader sent the newest heartbeat that a majority has
//! acknowledged. A node that has acknowledged a heartbeat grants nothing for `election_min`, which
//! is longer than the lease. So no other node is elected before the lease ends.

use std::process::ExitCode;

use elector_cli::Cli;
use elector_core::{
    Acks, Command, Comparable, Delay, ElectionAlgorithm, Epoch, Input, Membership, Message, Moment,
    NodeId, Outbox, Pledge, Purpose, Quorum, Role, Tally, Timing, Verdict, View,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum FirstComeMessage {
    /// A candidate asks for the vote of the receiver.
    Ask(Epoch),
    /// The vote.
    Grant(Epoch),
    /// The first heartbeat of a leader, with the time at which it was sent.
    Announce(Epoch, Moment),
    /// A later heartbeat, with the time at which it was sent.
    Lead(Epoch, Moment),
    /// The answer to a heartbeat. It echoes the time of that heartbeat.
    Ack(Epoch, Moment),
}

impl Message for FirstComeMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ask(_) => "Ask",
            Self::Grant(_) => "Grant",
            Self::Announce(..) => "Announce",
            Self::Lead(..) => "Lead",
            Self::Ack(..) => "Ack",
        }
    }
    fn purpose(&self) -> Purpose {
        match self {
            Self::Lead(..) | Self::Ack(..) => Purpose::Liveness,
            Self::Ask(_) | Self::Grant(_) | Self::Announce(..) => Purpose::Election,
        }
    }
    fn epoch(&self) -> Option<Epoch> {
        match *self {
            Self::Ask(epoch) | Self::Grant(epoch) => Some(epoch),
            Self::Announce(epoch, _) | Self::Lead(epoch, _) | Self::Ack(epoch, _) => Some(epoch),
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
    /// The newest epoch that this node granted, and the candidate. Only this must survive a crash.
    granted: (Epoch, Option<NodeId>),
    view: View,
    votes: Tally,
    acks: Acks,
    /// `true` while this node owes a leader its silence and grants nothing.
    is_silent: bool,
}

/// What a candidate does.
impl FirstCome {
    fn campaign(&mut self, out: &mut Outbox<Self>) {
        let me = self.members.me();
        self.granted = (self.granted.0.next(), Some(me));
        self.view = View::campaigning(self.granted.0);
        self.votes = Tally::new();
        out.broadcast(&FirstComeMessage::Ask(self.granted.0));
        out.set_timer((), self.timing.election());
        self.count(me, out);
    }
    fn count(&mut self, voter: NodeId, out: &mut Outbox<Self>) {
        let verdict = self.votes.record(&self.members, voter, true);
        if self.view.role == Role::Candidate && verdict == Verdict::Won {
            self.view = View::leading(self.granted.0, self.members.me());
            self.acks = Acks::new(&self.members);
            self.lead(FirstComeMessage::Announce, out);
        }
    }
}

/// What a leader does.
impl FirstCome {
    fn lead(&mut self, message: fn(Epoch, Moment) -> FirstComeMessage, out: &mut Outbox<Self>) {
        self.acks
            .record(&self.members, self.members.me(), out.now());
        out.broadcast(&message(self.granted.0, out.now()));
        out.set_timer((), Delay::exactly(self.timing.heartbeat));
    }
}

/// What a follower does.
impl FirstCome {
    fn follow(&mut self, leader: Option<NodeId>, out: &mut Outbox<Self>) {
        self.view = View::following(self.granted.0, leader);
        let vigil = self.is_silent.then(|| self.timing.vigil());
        out.set_timer((), vigil.unwrap_or(self.timing.election()));
    }
    fn end_silence(&mut self, out: &mut Outbox<Self>) {
        self.is_silent = false;
        out.set_timer((), self.timing.stagger(0));
    }
}

/// What arrives, and when nothing arrives.
impl FirstCome {
    fn receive(&mut self, from: NodeId, message: &FirstComeMessage, out: &mut Outbox<Self>) {
        let (known, granted_to) = self.granted;
        match *message {
            FirstComeMessage::Ask(epoch) if epoch > known && !self.is_silent => {
                self.granted = (epoch, Some(from));
                out.send(from, FirstComeMessage::Grant(epoch));
                self.follow(None, out);
            }
            FirstComeMessage::Grant(epoch) if epoch == known => self.count(from, out),
            FirstComeMessage::Announce(epoch, sent) | FirstComeMessage::Lead(epoch, sent)
                if epoch >= known =>
            {
                self.granted = (epoch, granted_to.filter(|_| epoch == known));
                self.is_silent = true;
                out.send(from, FirstComeMessage::Ack(epoch, sent));
                self.follow(Some(from), out);
            }
            FirstComeMessage::Ack(epoch, sent)
                if epoch == known && self.view.role == Role::Leader =>
            {
                self.acks.record(&self.members, from, sent);
            }
            // The message is of an old epoch, or asks for an epoch that this node may not grant.
            _ => {}
        }
    }
    fn timeout(&mut self, out: &mut Outbox<Self>) {
        match self.view.role {
            Role::Leader => self.lead(FirstComeMessage::Lead, out),
            Role::Follower if self.is_silent => self.end_silence(out),
            Role::Follower | Role::PreCandidate | Role::Candidate => self.campaign(out),
        }
    }
}

impl ElectionAlgorithm for FirstCome {
    const NAME: &'static str = "mine";
    type Guarantee = Quorum;
    type Config = Timing;
    type Message = FirstComeMessage;
    type Timer = ();
    type Durable = (Epoch, Option<NodeId>);

    fn restore(timing: &Timing, members: Membership, granted: Self::Durable) -> Self {
        Self {
            view: View::following(granted.0, None),
            members,
            timing: *timing,
            votes: Tally::new(),
            acks: Acks::default(),
            // The node may have acknowledged a leader just before its crash.
            is_silent: granted.0 > Epoch::ZERO,
            granted,
        }
    }
    fn durable(&self) -> &Self::Durable {
        &self.granted
    }
    fn view(&self) -> View {
        self.view
    }
    fn has_lease(_: &Timing) -> bool {
        true
    }
    fn lease(&self) -> Option<Moment> {
        let leads = self.view.role == Role::Leader;
        leads.then(|| self.acks.quorum(&self.members)).flatten()
    }
    fn raised(granted: &Self::Durable, floor: Epoch) -> Option<Self::Durable> {
        if granted.0 > floor {
            return Some(*granted);
        }
        floor.checked_next().map(|epoch| (epoch, None))
    }
    fn step(&mut self, input: Input<FirstComeMessage, ()>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => self.follow(None, out),
            Input::Received { from, message } => self.receive(from, &message, out),
            Input::Elapsed(()) => self.timeout(out),
            Input::Commanded(Command::Campaign)
                if self.is_silent || self.view.role == Role::Leader =>
            {
                out.refuse("there is a leader");
            }
            Input::Commanded(Command::Campaign) => self.campaign(out),
            Input::Commanded(_) => out.refuse("this algorithm has no transfer"),
            // The lease of this peer has ended, so this node owes it no silence.
            Input::Silent(peer) | Input::Died(peer)
                if self.is_silent && self.view.leader == Some(peer) =>
            {
                self.end_silence(out);
            }
            // A suspicion may be wrong, so it shortens no silence.
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
