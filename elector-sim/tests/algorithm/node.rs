//! One node under test. Tests give it inputs and check its steps.
#![allow(dead_code, reason = "each algorithm uses a part of it")]

use elector_core::{
    Command, Delay, Driver, ElectionAlgorithm, Input, Membership, Moment, NodeId, Step,
    TimerChange, View,
};

/// A node under test. Each of its writes is durable at once.
pub(crate) struct Node<A: ElectionAlgorithm> {
    pub(crate) driver: Driver<A>,
    pub(crate) disk: A::Durable,
    config: A::Config,
    members: Membership,
    now: u64,
}

impl<A: ElectionAlgorithm> Node<A> {
    /// Returns the node `me` of a cluster of the nodes `1..=nodes`, before its start, with the
    /// state `disk` on its disk.
    pub(crate) fn restored(me: u64, nodes: u64, config: &A::Config, disk: A::Durable) -> Self {
        let members = Membership::new(NodeId(me), (1..=nodes).map(NodeId)).unwrap();
        Self {
            driver: Driver::restore(config, members.clone(), disk.clone()),
            disk,
            config: config.clone(),
            members,
            now: 0,
        }
    }

    /// Starts the node.
    pub(crate) fn start(mut self) -> Self {
        self.step(Input::Started);
        self
    }

    /// Crashes the node and starts it again with the state on its disk.
    pub(crate) fn restart(&mut self) {
        self.driver = Driver::restore(&self.config, self.members.clone(), self.disk.clone());
        self.step(Input::Started);
    }

    /// Runs one step. A timer with a delay of zero does not elapse by itself: the test must call
    /// `elapse`.
    pub(crate) fn step(&mut self, input: Input<A::Message, A::Timer>) -> Box<Step<A>> {
        self.now += 1;
        let step = self.driver.step(input, self.moment()).unwrap();
        if let Some(disk) = &step.persist {
            self.disk = disk.clone();
        }
        step
    }

    pub(crate) fn receive(&mut self, from: u64, message: A::Message) -> Box<Step<A>> {
        let from = NodeId(from);
        self.step(Input::Received { from, message })
    }

    pub(crate) fn elapse(&mut self, timer: A::Timer) -> Box<Step<A>> {
        self.step(Input::Elapsed(timer))
    }

    pub(crate) fn suspect(&mut self, peer: u64) -> Box<Step<A>> {
        self.step(Input::Suspected(NodeId(peer)))
    }

    pub(crate) fn prove_dead(&mut self, peer: u64) -> Box<Step<A>> {
        self.step(Input::Died(NodeId(peer)))
    }

    pub(crate) fn peer_returned(&mut self, peer: u64) -> Box<Step<A>> {
        self.step(Input::Returned(NodeId(peer)))
    }

    pub(crate) fn command(&mut self, command: Command) -> Box<Step<A>> {
        self.step(Input::Commanded(command))
    }

    pub(crate) fn view(&self) -> View {
        self.driver.view()
    }

    pub(crate) fn majority(&self) -> u64 {
        self.members.majority() as u64
    }

    /// Returns the time of the last step.
    pub(crate) fn moment(&self) -> Moment {
        Moment::from_nanos(self.now)
    }
}

/// Returns the message that a step sends to `to`. Fails if there are several messages to `to`.
pub(crate) fn sent<A: ElectionAlgorithm>(step: &Step<A>, to: u64) -> Option<A::Message> {
    let mut to_peer = step.sends.iter().filter(|out| out.to == NodeId(to));
    let first = to_peer.next().map(|out| out.message.clone());
    assert_eq!(to_peer.next(), None, "there is one message for each peer");
    first
}

/// Returns the delay for which a step sets this timer. Returns `None` if the step does not set the
/// timer, or sets and then cancels it.
pub(crate) fn set<A: ElectionAlgorithm>(step: &Step<A>, timer: A::Timer) -> Option<Delay> {
    let changes = step.timers.iter().rev();
    let mut delays = changes.filter_map(|change| match *change {
        TimerChange::Set(name, delay) => (name == timer).then_some(Some(delay)),
        TimerChange::Cancel(name) => (name == timer).then_some(None),
    });
    delays.next().flatten()
}
