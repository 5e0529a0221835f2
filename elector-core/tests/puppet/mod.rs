//! The puppet: an algorithm that does exactly what the messages that it receives say, right or
//! wrong. With this algorithm a test can make any step, and break any rule.
#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, reason = "an unexpected result must end a test")]

use elector_core::{
    Delay, Driver, ElectionAlgorithm, Epoch, Input, Membership, Message, Moment, NodeId, Outbox,
    Purpose, Quorum, Step, Timing, View,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Puppet {
    pub durable: Disk,
    pub view: View,
    pub lease: Option<Moment>,
    pub check: Result<(), &'static str>,
}

/// The durable state of the puppet: any number, and the view that it starts with.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Disk {
    pub value: u64,
    pub boot: View,
}

/// An action that the puppet carries out when a message asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Act {
    Persist(u64),
    Show(View),
    Send(NodeId),
    Broadcast,
    Set(char),
    Cancel(char),
    Refuse,
    Lease,
    Break,
}

/// A message: all actions of the step in which the puppet receives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Script(pub Vec<Act>);

impl Message for Script {
    fn kind(&self) -> &'static str {
        "Script"
    }

    fn purpose(&self) -> Purpose {
        Purpose::Election
    }
}

impl ElectionAlgorithm for Puppet {
    const NAME: &'static str = "puppet";
    type Guarantee = Quorum;
    type Config = Timing;
    type Message = Script;
    type Timer = char;
    type Durable = Disk;

    fn restore(_config: &Timing, _members: Membership, durable: Disk) -> Self {
        Self {
            view: durable.boot,
            durable,
            lease: None,
            check: Ok(()),
        }
    }

    fn durable(&self) -> &Disk {
        &self.durable
    }

    fn view(&self) -> View {
        self.view
    }

    fn lease(&self) -> Option<Moment> {
        self.lease
    }

    fn has_lease(_: &Self::Config) -> bool {
        true
    }

    fn check(&self) -> Result<(), &'static str> {
        self.check
    }

    fn step(&mut self, input: Input<Script, char>, out: &mut Outbox<Self>) {
        match input {
            Input::Received { message, .. } => {
                for act in message.0 {
                    self.perform(&act, out);
                }
            }
            // The other inputs only change the durable value, so that a test sees that they
            // arrived.
            Input::Started
            | Input::Elapsed(_)
            | Input::Suspected(_)
            | Input::Silent(_)
            | Input::Died(_)
            | Input::Returned(_) => self.durable.value += 1,
            Input::Commanded(_) => out.refuse("a puppet obeys messages only"),
        }
    }
}

impl Puppet {
    fn perform(&mut self, act: &Act, out: &mut Outbox<Self>) {
        match *act {
            Act::Persist(value) => self.durable.value = value,
            Act::Show(view) => self.view = view,
            Act::Send(to) => out.send(to, Script(Vec::new())),
            Act::Broadcast => out.broadcast(&Script(vec![Act::Broadcast])),
            Act::Set(timer) => out.set_timer(timer, Delay::ZERO),
            Act::Cancel(timer) => out.cancel_timer(timer),
            Act::Refuse => out.refuse("as requested"),
            Act::Lease => self.lease = Some(out.now()),
            Act::Break => self.check = Err("the puppet is broken"),
        }
    }
}

/// Returns the cluster of nodes 1, 2 and 3, seen from node 1.
pub(crate) fn members() -> Membership {
    Membership::new(NodeId(1), (1..=3).map(NodeId)).unwrap()
}

/// Returns a driver of node 1, which has never run, in the cluster of nodes 1, 2 and 3.
pub(crate) fn driver<A: ElectionAlgorithm<Config = Timing>>() -> Driver<A> {
    Driver::restore(&Timing::default(), members(), A::Durable::default())
}

/// Returns the input for a message of node 2 with these actions.
pub(crate) fn received(acts: &[Act]) -> Input<Script, char> {
    Input::Received {
        from: NodeId(2),
        message: Script(acts.to_vec()),
    }
}

/// Makes a step with these actions. The actions must not break the contract of an algorithm.
pub(crate) fn obey(driver: &mut Driver<Puppet>, acts: &[Act]) -> Box<Step<Puppet>> {
    driver.step(received(acts), Moment::ZERO).unwrap()
}

pub(crate) fn following(epoch: u64, leader: u64) -> View {
    View::following(Epoch(epoch), Some(NodeId(leader)))
}
