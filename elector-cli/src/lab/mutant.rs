//! An algorithm with a deliberate fault, for the tests that print and repeat violations.

use elector_core::{
    Comparable, ElectionAlgorithm, Input, Membership, Moment, Outbox, Quorum, View,
};
use elector_raft::{Raft, RaftConfig, RaftDurable, RaftMessage, RaftTimer};

/// Raft that takes a suspicion, which is a report that may be wrong, for a proof of death. It
/// violates invariants only if a suspicion is false.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Credulous(Raft);

impl ElectionAlgorithm for Credulous {
    const NAME: &'static str = "credulous";
    type Guarantee = Quorum;
    type Config = RaftConfig;
    type Message = RaftMessage;
    type Timer = RaftTimer;
    type Durable = RaftDurable;

    fn restore(config: &RaftConfig, members: Membership, durable: RaftDurable) -> Self {
        Self(Raft::restore(config, members, durable))
    }

    fn durable(&self) -> &RaftDurable {
        self.0.durable()
    }

    fn view(&self) -> View {
        self.0.view()
    }

    fn has_lease(config: &RaftConfig) -> bool {
        Raft::has_lease(config)
    }

    fn lease(&self) -> Option<Moment> {
        self.0.lease()
    }

    fn step(&mut self, input: Input<RaftMessage, RaftTimer>, out: &mut Outbox<Self>) {
        let input = match input {
            Input::Suspected(peer) => Input::Died(peer),
            other => other,
        };
        out.scoped(
            |message| message,
            |timer| timer,
            |out| self.0.step(input, out),
        );
    }
}

impl Comparable for Credulous {
    const SUMMARY: &'static str = "Raft that takes a suspicion for a proof of death";
}
