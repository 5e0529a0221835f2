//! An election algorithm of your own, and what it gets for nothing: clusters of actors, every fault,
//! every invariant, and a place in the table. `cargo run --release --example my_algorithm`
//! "First come": whoever misses the leader asks everybody for the next epoch, and each node grants
//! an epoch once. It is Raft's vote without pre-vote and check-quorum; the table shows their worth.

use elector_core::{
    Command, Delay, ElectionAlgorithm, Epoch, Input, Membership, Message, NodeId, Outbox, Pledge,
    Purpose, Quorum, Role, Tally, Timing, Verdict, View, actor::Cluster,
};
use elector_raft::{Raft, RaftConfig};
use elector_sim::{Contestant, Sweep};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Say {
    Ask(Epoch),
    Grant(Epoch),
    Announce(Epoch),
    Lead(Epoch),
}

impl Message for Say {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ask(_) => "Ask",
            Self::Grant(_) => "Grant",
            Self::Announce(_) => "Announce",
            Self::Lead(_) => "Lead",
        }
    }
    fn purpose(&self) -> Purpose {
        match self {
            Self::Lead(_) => Purpose::Liveness,
            Self::Ask(_) | Self::Grant(_) | Self::Announce(_) => Purpose::Election,
        }
    }
    fn pledge(&self, to: NodeId) -> Option<Pledge> {
        let Self::Grant(epoch) = self else {
            return None;
        };
        Some(Pledge::vote(*epoch, to))
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
}

impl FirstCome {
    fn follow(&mut self, leader: Option<NodeId>, out: &mut Outbox<Self>) {
        self.view = View::following(self.granted.0, leader);
        out.set_timer((), self.timing.election());
    }
    fn lead(&mut self, say: fn(Epoch) -> Say, out: &mut Outbox<Self>) {
        self.view = View::leading(self.granted.0, self.members.me());
        out.broadcast(&say(self.granted.0));
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
            self.lead(Say::Announce, out);
        }
    }
    fn hear(&mut self, from: NodeId, message: &Say, out: &mut Outbox<Self>) {
        let (known, granted_to) = self.granted;
        match *message {
            Say::Ask(epoch) if epoch > known => {
                self.granted = (epoch, Some(from));
                out.send(from, Say::Grant(epoch));
                self.follow(None, out);
            }
            Say::Grant(epoch) if epoch == known => self.count(from, out),
            Say::Announce(epoch) | Say::Lead(epoch) if epoch >= known => {
                self.granted = (epoch, granted_to.filter(|_| epoch == known));
                self.follow(Some(from), out);
            }
            // Stale: of an epoch that this node has left.
            Say::Ask(_) | Say::Grant(_) | Say::Announce(_) | Say::Lead(_) => {}
        }
    }
}

impl ElectionAlgorithm for FirstCome {
    const NAME: &'static str = "first-come";
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
            granted,
            votes: Tally::new(),
        }
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
            Input::Elapsed(()) if self.view.role == Role::Leader => self.lead(Say::Lead, out),
            Input::Elapsed(()) | Input::Commanded(Command::Campaign) => self.campaign(out),
            Input::Commanded(_) => out.refuse("first-come knows no handover"),
            Input::Suspected(_) | Input::Silent(_) | Input::Died(_) => {}
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut cluster = Cluster::<FirstCome>::start(3).await?;
    let first = cluster.leader().await;
    cluster.kill(first).await;
    let next = cluster.leader().await;
    println!("On actors: node {first} led and was killed; now node {next} leads.\n");
    let contestants = vec![
        Contestant::of::<FirstCome>("mine", "one grant an epoch", Timing::default()),
        Contestant::of::<Raft>("stock", "for comparison", RaftConfig::default()),
    ];
    let scenarios = ["leader-crash", "minority-leader", "one-way-deaf", "churn"];
    println!("{}", Sweep::of(contestants, &[3, 5], &scenarios)?.table()?);
    Ok(())
}
