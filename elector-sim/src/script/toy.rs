//! A toy algorithm for the tests of the script runner. A candidate asks all nodes, and leads once a
//! majority has said yes. The candidate gives its own yes in a separate step, which a timer with a
//! delay of zero starts.

use elector_core::{
    BestEffort, Command, Configuration, Delay, ElectionAlgorithm, Epoch, Input, Membership,
    Message, NodeId, Outbox, Purpose, Tally, Timing, Verdict, View,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Toy {
    config: ToyConfig,
    members: Membership,
    durable: Durable,
    tally: Tally,
    view: View,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ToyConfig {
    timing: Timing,
    /// Whether the node sets its timer with a delay of zero again each time that this timer
    /// elapses. The steps of the node then never end.
    restless: bool,
}

impl Configuration for ToyConfig {
    fn timing(&self) -> &Timing {
        &self.timing
    }

    fn timing_mut(&mut self) -> &mut Timing {
        &mut self.timing
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Durable {
    epoch: Epoch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Timer {
    Campaign,
    Own,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum ToyMessage {
    Ask(Epoch),
    Yes(Epoch),
}

impl Message for ToyMessage {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ask(_) => "Ask",
            Self::Yes(_) => "Yes",
        }
    }

    fn purpose(&self) -> Purpose {
        Purpose::Election
    }
}

impl Toy {
    fn campaign(&mut self, out: &mut Outbox<Self>) {
        self.tally = Tally::new();
        self.durable.epoch = self.durable.epoch.next();
        self.view = View::campaigning(self.durable.epoch);
        out.cancel_timer(Timer::Campaign);
        out.broadcast(&ToyMessage::Ask(self.durable.epoch));
        out.set_timer(Timer::Own, Delay::ZERO);
    }

    fn yes(&mut self, from: NodeId) {
        if self.tally.record(&self.members, from, true) == Verdict::Won {
            self.view = View::leading(self.durable.epoch, self.members.me());
        }
    }
}

impl ElectionAlgorithm for Toy {
    const NAME: &'static str = "toy";
    type Guarantee = BestEffort;
    type Config = ToyConfig;
    type Message = ToyMessage;
    type Timer = Timer;
    type Durable = Durable;

    fn restore(config: &ToyConfig, members: Membership, durable: Durable) -> Self {
        Self {
            config: config.clone(),
            members,
            view: View::following(durable.epoch, None),
            durable,
            tally: Tally::new(),
        }
    }

    fn durable(&self) -> &Durable {
        &self.durable
    }

    fn view(&self) -> View {
        self.view
    }

    fn step(&mut self, input: Input<ToyMessage, Timer>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => out.set_timer(Timer::Campaign, self.config.timing.election()),
            Input::Received {
                from,
                message: ToyMessage::Ask(epoch),
            } => {
                if epoch > self.durable.epoch {
                    self.durable.epoch = epoch;
                    self.view = View::following(epoch, None);
                    out.send(from, ToyMessage::Yes(epoch));
                }
            }
            Input::Received {
                from,
                message: ToyMessage::Yes(epoch),
            } => {
                if epoch == self.durable.epoch {
                    self.yes(from);
                }
            }
            Input::Elapsed(Timer::Own) => {
                self.yes(self.members.me());
                if self.config.restless {
                    out.set_timer(Timer::Own, Delay::ZERO);
                }
            }
            Input::Elapsed(Timer::Campaign)
            | Input::Suspected(_)
            | Input::Silent(_)
            | Input::Died(_) => self.campaign(out),
            Input::Returned(_) => {}
            Input::Commanded(Command::Campaign) => self.campaign(out),
            Input::Commanded(_) => {
                out.refuse("a toy never steps down");
            }
        }
    }
}
