//! Raft, broken in one way each.

use std::{
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

use elector_core::{
    ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Quorum, Role, View,
};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

/// One way to break Raft. Each hook does nothing unless a mutant says otherwise.
pub(crate) trait Bug: Clone + Debug + Eq + Hash + Send + Sync + Unpin + 'static {
    /// What the disk gives back.
    fn read(durable: RaftDurable) -> RaftDurable {
        durable
    }

    /// What the node takes a message for.
    fn hear(_raft: &Raft, _members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
        vec![(from, heard)]
    }

    /// What the node shows.
    fn view(raft: &Raft, _members: &Membership) -> View {
        raft.view()
    }

    /// What the node makes of a suspicion.
    fn suspect(peer: NodeId) -> Input<RaftMessage, RaftTimer> {
        Input::Suspected(peer)
    }

    /// What the node takes its lease to be.
    fn lease(raft: &Raft, _now: Moment) -> Option<Moment> {
        raft.lease()
    }
}

pub(crate) type Heard = Vec<(NodeId, RaftMessage)>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mutant<B: Bug> {
    raft: Raft,
    members: Membership,
    now: Moment,
    bug: PhantomData<B>,
}

impl<B: Bug> ElectionAlgorithm for Mutant<B> {
    const NAME: &'static str = "mutant";
    type Guarantee = Quorum;
    type Config = RaftConfig;
    type Message = RaftMessage;
    type Timer = RaftTimer;
    type Durable = RaftDurable;

    fn restore(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        let raft = Raft::restore(config, members.clone(), B::read(durable));
        Self {
            raft,
            members,
            now: Moment::ZERO,
            bug: PhantomData,
        }
    }

    fn durable(&self) -> &RaftDurable {
        self.raft.durable()
    }

    fn view(&self) -> View {
        B::view(&self.raft, &self.members)
    }

    fn lease(&self) -> Option<Moment> {
        B::lease(&self.raft, self.now)
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        self.now = out.now();
        let inputs = match input {
            Input::Received { from, message } => B::hear(&self.raft, &self.members, from, message)
                .into_iter()
                .map(|(from, message)| Input::Received { from, message })
                .collect(),
            Input::Suspected(peer) => vec![B::suspect(peer)],
            other => vec![other],
        };
        for input in inputs {
            out.scoped(
                |message| message,
                |timer| timer,
                |out| self.raft.step(input, out),
            );
        }
    }
}

macro_rules! bug {
    ($(#[$doc:meta])* $name:ident { $($body:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub(crate) struct $name;
        impl Bug for $name { $($body)* }
    };
}

bug! {
    /// No bug: the control. If the wrapper itself tripped an invariant, the mutants would prove
    /// nothing.
    Healthy {}
}

bug! {
    /// Term and vote come back as they never were.
    NothingDurable {
        fn read(_: RaftDurable) -> RaftDurable {
            RaftDurable::default()
        }
    }
}

bug! {
    /// The term is durable, the vote is not.
    VoteNotDurable {
        fn read(durable: RaftDurable) -> RaftDurable {
            RaftDurable { voted_for: None, ..durable }
        }
    }
}

bug! {
    /// Every granted vote counts for two.
    MajorityOffByOne {
        fn hear(_: &Raft, members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            let other = members.peers().find(|&peer| peer != from);
            match (heard, other) {
                (RaftMessage::Vote { granted: true, .. }, Some(other)) => {
                    vec![(from, heard), (other, heard)]
                }
                _ => vec![(from, heard)],
            }
        }
    }
}

bug! {
    /// A heartbeat of an old term is taken for one of the present term.
    EpochCheckDropped {
        fn hear(raft: &Raft, _: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            let term_now = raft.view().epoch;
            vec![(from, match heard {
                RaftMessage::Heartbeat { term, sent, announce } => {
                    RaftMessage::Heartbeat { term: term.max(term_now), sent, announce }
                }
                other => other,
            })]
        }
    }
}

bug! {
    /// A pre-vote, which binds no node, counts as a vote.
    LatePreVoteCounted {
        fn hear(raft: &Raft, _: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            match heard {
                RaftMessage::PreVote { next_term, granted: true, .. }
                    if next_term == raft.view().epoch =>
                {
                    vec![(from, RaftMessage::Vote { term: next_term, granted: true })]
                }
                other => vec![(from, other)],
            }
        }
    }
}

bug! {
    /// A leader takes every tick of its own for a sign that it may go on.
    LeaseFromOwnClock {
        fn lease(raft: &Raft, now: Moment) -> Option<Moment> {
            (raft.view().role == Role::Leader).then_some(now)
        }
    }
}

bug! {
    /// A node that knows no leader leads the term in which it voted for itself.
    LeadsByItsVote {
        fn view(raft: &Raft, members: &Membership) -> View {
            let (view, me) = (raft.view(), members.me());
            let own = raft.durable().voted_for == Some(me);
            if own && view.leader.is_none() && view.role == Role::Follower {
                View::leading(view.epoch, me)
            } else {
                view
            }
        }
    }
}

bug! {
    /// Node 3 never hears node 1.
    Deaf {
        fn hear(_: &Raft, members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            if (members.me(), from) == (NodeId(3), NodeId(1)) { vec![] } else { vec![(from, heard)] }
        }
    }
}

bug! {
    /// A broken connection is taken for a proof of death: it frees the voter.
    SuspicionFrees {
        fn suspect(peer: NodeId) -> Input<RaftMessage, RaftTimer> {
            Input::Died(peer)
        }
    }
}

static HEARTBEATS: AtomicU64 = AtomicU64::new(0);

bug! {
    /// Every 199th acknowledgement in the process is lost: a state that no seed decides.
    SharedState {
        fn hear(_: &Raft, _: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            let late = matches!(heard, RaftMessage::Heartbeat { .. })
                && HEARTBEATS
                    .fetch_add(1, Ordering::Relaxed)
                    .is_multiple_of(199);
            if late { vec![] } else { vec![(from, heard)] }
        }
    }
}

bug! {
    /// Node 2 sleeps through seven of eight heartbeats.
    Dozing {
        fn hear(_: &Raft, members: &Membership, from: NodeId, heard: RaftMessage) -> Heard {
            match heard {
                RaftMessage::Heartbeat { sent, announce: false, .. }
                    if members.me() == NodeId(2) && sent.nanos() % 8 != 0 =>
                {
                    vec![]
                }
                other => vec![(from, other)],
            }
        }
    }
}
