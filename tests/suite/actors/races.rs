//! Tests races between two threads, many times.

use std::time::Duration;

use elector_core::{
    Command, Delay, ElectionAlgorithm, Epoch, Input, Membership, Message, Moment, NodeId, Outbox,
    Purpose, Quorum, Timing, View,
    actor::{BoxError, EventKind, Grace, Leadership},
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::single_node_builder;
use crate::support::{TIMEOUT, in_time};

/// The algorithm of a single node that leads again soon after each command to resign, and confirms
/// its lease ten thousand times per second.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AlwaysLeads {
    me: NodeId,
    epoch: Epoch,
    leads: bool,
    confirmed: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Nothing {}

impl Message for Nothing {
    fn kind(&self) -> &'static str {
        match *self {}
    }
    fn purpose(&self) -> Purpose {
        match *self {}
    }
}

impl ElectionAlgorithm for AlwaysLeads {
    const NAME: &'static str = "always-leads";
    type Guarantee = Quorum;
    type Config = Timing;
    type Message = Nothing;
    type Timer = ();
    type Durable = Epoch;

    fn restore(_: &Timing, members: Membership, epoch: Epoch) -> Self {
        Self {
            me: members.me(),
            epoch,
            leads: false,
            confirmed: Moment::ZERO,
        }
    }

    fn durable(&self) -> &Epoch {
        &self.epoch
    }

    fn view(&self) -> View {
        if self.leads {
            View::leading(self.epoch, self.me)
        } else {
            View::following(self.epoch, None)
        }
    }

    fn lease(&self) -> Option<Moment> {
        self.leads.then_some(self.confirmed)
    }

    fn has_lease(_: &Self::Config) -> bool {
        true
    }

    fn step(&mut self, input: Input<Nothing, ()>, out: &mut Outbox<Self>) {
        if matches!(input, Input::Commanded(Command::Resign)) {
            self.leads = false;
        } else if !self.leads {
            self.epoch = self.epoch.next();
            self.leads = true;
        }
        self.confirmed = out.now();
        out.set_timer((), Delay::exactly(Duration::from_micros(100)));
    }
}

// The work ends just when its lease is prolonged. The node must not mistake the end of the work for
// a loss of the leadership and grant the same epoch again. Otherwise new work would start while the
// leadership ends.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_work_is_not_a_loss_of_leadership() {
    // With these durations, a slow machine does not make the lease end.
    let timing = Timing {
        lease: TIMEOUT,
        election_min: 2 * TIMEOUT,
        election_max: 3 * TIMEOUT,
        ..Timing::default()
    };
    let builder = single_node_builder::<AlwaysLeads>();
    let builder = builder.config(timing).event_capacity(1 << 16);
    let elector = builder.start().await.unwrap();
    let mut events = elector.events();
    let grace = Grace {
        to_finish: TIMEOUT,
        ..Grace::default()
    };
    let (began, mut begun) = mpsc::unbounded_channel();
    tokio::spawn({
        let elector = elector.clone();
        async move {
            let work = async |me: Leadership<Quorum>| -> Result<(), BoxError> {
                began.send(me.epoch())?;
                me.ending().await;
                me.prolonged(me.deadline().ok_or("a lease")?).await?;
                Ok(())
            };
            elector.lead_with(grace, work).await
        }
    });
    for _ in 0..1000 {
        in_time(begun.recv()).await.unwrap();
        in_time(elector.step_down()).await.unwrap();
    }
    in_time(elector.shutdown()).await.unwrap();
    let mut granted = Epoch::ZERO;
    while let Ok(event) = in_time(events.next()).await {
        if let EventKind::Granted(epoch) = event.kind {
            assert!(epoch > granted, "{epoch} was granted again");
            granted = epoch;
        }
    }
    assert!(granted >= Epoch(1000), "all were seen");
}
