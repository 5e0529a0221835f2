//! Mutants of Raft with one fault each.

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

/// A fault of Raft. Each method is a hook into a step of Raft. By default, a hook changes nothing.
pub(crate) trait Bug: Clone + Debug + Eq + Hash + Send + Sync + Unpin + 'static {
    /// Changes the durable state when it is loaded.
    fn read(durable: RaftDurable) -> RaftDurable {
        durable
    }

    /// Replaces a received message.
    fn receive(
        _raft: &Raft,
        _members: &Membership,
        from: NodeId,
        message: RaftMessage,
    ) -> Messages {
        vec![(from, message)]
    }

    /// Changes the view.
    fn view(raft: &Raft, _members: &Membership) -> View {
        raft.view()
    }

    /// Replaces a suspicion.
    fn suspect(peer: NodeId) -> Input<RaftMessage, RaftTimer> {
        Input::Suspected(peer)
    }

    /// Carries out a step with this input.
    fn step(
        mutant: &mut Mutant<Self>,
        input: Input<RaftMessage, RaftTimer>,
        out: &mut Outbox<Mutant<Self>>,
    ) {
        mutant.raft_step(input, out);
    }

    /// Changes the lease.
    fn lease(raft: &Raft, _now: Moment) -> Option<Moment> {
        raft.lease()
    }
}

pub(crate) type Messages = Vec<(NodeId, RaftMessage)>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mutant<B: Bug> {
    raft: Raft,
    pub(crate) members: Membership,
    now: Moment,
    bug: PhantomData<B>,
}

impl<B: Bug> Mutant<B> {
    /// Carries out a step of Raft, without the hooks of the fault.
    pub(crate) fn raft_step(
        &mut self,
        input: Input<RaftMessage, RaftTimer>,
        out: &mut Outbox<Self>,
    ) {
        out.scoped(
            |message| message,
            |timer| timer,
            |out| self.raft.step(input, out),
        );
    }
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

    fn has_lease(config: &RaftConfig) -> bool {
        Raft::has_lease(config)
    }

    fn lease(&self) -> Option<Moment> {
        B::lease(&self.raft, self.now)
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        self.now = out.now();
        let inputs = match input {
            Input::Received { from, message } => {
                B::receive(&self.raft, &self.members, from, message)
                    .into_iter()
                    .map(|(from, message)| Input::Received { from, message })
                    .collect()
            }
            Input::Suspected(peer) => vec![B::suspect(peer)],
            other => vec![other],
        };
        for input in inputs {
            B::step(self, input, out);
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
pub(crate) use bug;

bug! {
    /// The control: Raft in the wrapper of the mutants, without a fault. If the wrapper itself
    /// violated an invariant, the violations of the mutants would prove nothing.
    Healthy {}
}

bug! {
    /// The term and the vote are lost in a restart.
    NothingDurable {
        fn read(_: RaftDurable) -> RaftDurable {
            RaftDurable::default()
        }
    }
}

bug! {
    /// The term survives a restart, and the vote does not.
    VoteNotDurable {
        fn read(durable: RaftDurable) -> RaftDurable {
            RaftDurable { voted_for: None, ..durable }
        }
    }
}

bug! {
    /// Every granted vote counts as two votes.
    MajorityOffByOne {
        fn receive(_: &Raft, members: &Membership, from: NodeId, message: RaftMessage) -> Messages {
            let other = members.peers().find(|&peer| peer != from);
            match (message, other) {
                (RaftMessage::Vote { granted: true, .. }, Some(other)) => {
                    vec![(from, message), (other, message)]
                }
                _ => vec![(from, message)],
            }
        }
    }
}

bug! {
    /// A heartbeat of an old term counts as one of the current term.
    EpochCheckDropped {
        fn receive(raft: &Raft, _: &Membership, from: NodeId, message: RaftMessage) -> Messages {
            let term_now = raft.view().epoch;
            vec![(from, match message {
                RaftMessage::Heartbeat { term, sent, announce } => {
                    RaftMessage::Heartbeat { term: term.max(term_now), sent, announce }
                }
                other => other,
            })]
        }
    }
}

bug! {
    /// A pre-vote counts as a vote, although it does not bind its sender.
    LatePreVoteCounted {
        fn receive(raft: &Raft, _: &Membership, from: NodeId, message: RaftMessage) -> Messages {
            match message {
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
    /// The lease of a leader starts again at each of its steps, also without an acknowledgement of
    /// other nodes.
    LeaseFromOwnClock {
        fn lease(raft: &Raft, now: Moment) -> Option<Moment> {
            (raft.view().role == Role::Leader).then_some(now)
        }
    }
}

bug! {
    /// A node without a known leader leads the term in which it voted for itself.
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
    /// Node 3 ignores messages from node 1.
    IgnoresNodeOne {
        fn receive(_: &Raft, members: &Membership, from: NodeId, message: RaftMessage) -> Messages {
            let is_ignored = (members.me(), from) == (NodeId(3), NodeId(1));
            if is_ignored { vec![] } else { vec![(from, message)] }
        }
    }
}

bug! {
    /// A suspicion (a broken connection) counts as a proof of death, and ends the silence that the
    /// voter owes to the leader: the voter may support another node at once.
    SuspicionFrees {
        fn suspect(peer: NodeId) -> Input<RaftMessage, RaftTimer> {
            Input::Died(peer)
        }
    }
}

static HEARTBEATS: AtomicU64 = AtomicU64::new(0);

bug! {
    /// Every 199th heartbeat in the process is lost. The counter of heartbeats does not start again
    /// in each run, so two runs with one seed differ.
    SharedState {
        fn receive(_: &Raft, _: &Membership, from: NodeId, message: RaftMessage) -> Messages {
            let late = matches!(message, RaftMessage::Heartbeat { .. })
                && HEARTBEATS
                    .fetch_add(1, Ordering::Relaxed)
                    .is_multiple_of(199);
            if late { vec![] } else { vec![(from, message)] }
        }
    }
}

bug! {
    /// Node 2 misses seven of eight heartbeats.
    MissesHeartbeats {
        fn receive(_: &Raft, members: &Membership, from: NodeId, message: RaftMessage) -> Messages {
            match message {
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
