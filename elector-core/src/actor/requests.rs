use std::{sync::Arc, vec::Vec};

use tokio::sync::oneshot;

use super::{leadership_state::LeadershipState, storage::Saved, watchdog::Watch};
use crate::{Command, ElectionAlgorithm, Input, MembersReport, Moment, Refusal, trace::RecordOf};

/// A request that a handle sends to its node. Requests are never dropped.
#[derive(Debug)]
pub(super) enum Request {
    /// A command of the application. The answer is the reason of the refusal, if the command was
    /// refused.
    Command(Command, oneshot::Sender<Option<Refusal>>),
    /// The work of this leadership has ended, and the leadership is given back: the node must step
    /// down.
    GiveBack(Arc<LeadershipState>),
    /// The work of this leadership has ended, but the leadership is not given back: grant
    /// leadership again if the node still leads.
    GrantAgain(Arc<LeadershipState>),
    /// The work of the current leadership has set a watchdog. The value is the state that the
    /// watchdog shares with the node: there the node sees whether the work checks in.
    Watch(Arc<Watch>),
    /// `true`: the node must take no leadership any more. `false`: it may take leadership again.
    Withdraw(bool),
    /// A handle asks for the members. The answer is `None` if the members are fixed.
    Members(oneshot::Sender<Option<MembersReport>>),
    /// A handle checks whether the node's thread still runs.
    Answer,
    Stop,
}

impl actix::Message for Request {
    type Result = ();
}

/// The report of the storage about a save that has ended.
#[derive(Debug)]
pub(super) struct StoreReport(pub(super) Saved);

impl actix::Message for StoreReport {
    type Result = ();
}

/// An input with its clock reading, for a node without a clock. The answer is what the node did, as
/// a list of trace records.
#[derive(Debug)]
pub(super) struct Replay<A: ElectionAlgorithm> {
    pub(super) input: Input<A::Message, A::Timer>,
    pub(super) now: Moment,
    pub(super) answer: oneshot::Sender<Vec<RecordOf<A>>>,
}

impl<A: ElectionAlgorithm> actix::Message for Replay<A> {
    type Result = ();
}
