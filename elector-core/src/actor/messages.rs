use std::{sync::Arc, vec::Vec};

use tokio::sync::oneshot;

use super::{storage::Saved, tenure::Tenure, watchdog::Watch};
use crate::{Command, ElectionAlgorithm, Input, Moment, Refusal, trace::Record};

/// What handles ask of a node. Never dropped.
#[derive(Debug)]
pub(super) enum Order {
    /// The answer is why it was refused.
    Command(Command, oneshot::Sender<Option<Refusal>>),
    /// The work under this tenure has ended.
    GiveBack(Arc<Tenure>),
    /// This tenure has ended for nothing: the node may grant another.
    GoOn(Arc<Tenure>),
    /// The work under the present tenure promises to check in.
    Watch(Arc<Watch>),
    /// The node is to take no leadership any more; or `false`, to take one again.
    Withdraw(bool),
    /// Somebody wants to know whether the node's thread still does its work.
    Answer,
    Stop,
}

impl actix::Message for Order {
    type Result = ();
}

/// The store has done its work.
#[derive(Debug)]
pub(super) struct StoreReport(pub(super) Saved);

impl actix::Message for StoreReport {
    type Result = ();
}

/// An input with the clock reading that comes with it; the answer is what the node made of it.
#[derive(Debug)]
pub(super) struct Replay<A: ElectionAlgorithm> {
    pub(super) input: Input<A::Message, A::Timer>,
    pub(super) now: Moment,
    pub(super) answer: oneshot::Sender<Vec<Record>>,
}

impl<A: ElectionAlgorithm> actix::Message for Replay<A> {
    type Result = ();
}
