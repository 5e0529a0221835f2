use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::watch;

use super::{
    control::Control,
    error::{CommandError, NodeError, ShutdownError},
    requests::Request,
    status::{Events, Status},
};
use crate::{Command, GuaranteeKind, MembersChange, MembersReport, Membership, NodeId, Refusal};

/// The handle of a node, with the methods that do not depend on the algorithm or its guarantee. The
/// handle is cheap to clone. An [`Elector`](super::Elector) dereferences to this handle, and adds
/// the methods that run work on the leader, such as [`lead`](super::Elector::lead).
///
/// When the last handle of a node is dropped, the node stops. An [`Elector`](super::Elector)
/// contains such a handle.
#[derive(Clone)]
pub struct NodeHandle(Arc<Running>);

/// The part of a running node that its handles share. When the last handle drops this value, the
/// node is asked to stop.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) control: Control,
    /// How many received messages the node has rejected so far. See [`Traffic::refused`].
    pub(super) refused: Arc<AtomicU64>,
    pub(super) members: Membership,
    /// Whether the members can change while the cluster runs. If they can, nodes that are not in
    /// `members` may take part, too.
    pub(super) changes_members: bool,
    /// The name of the algorithm.
    pub(super) algorithm: &'static str,
    pub(super) guarantee: GuaranteeKind,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.send(Request::Stop);
    }
}

/// The counts of a node's inputs and messages so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Inputs that the algorithm has handled: messages, timers, reports about peers and commands.
    pub handled: u64,
    /// Messages that the transport has accepted from this node.
    pub sent: u64,
    /// Messages of this node that were dropped before they left it: the transport did not accept
    /// them, for example because there is no connection to the receiver, or too many steps were
    /// waiting for a disk that hangs.
    pub undelivered: u64,
    /// Received messages that this node rejected: too many messages of the same peer were waiting,
    /// or too many steps were waiting for a disk that hangs.
    pub refused: u64,
    /// Received messages that this node did not [accept](crate::Epoch::accepts): their epoch is so
    /// high that no cluster reaches it, so their sender is faulty or malicious.
    pub absurd: u64,
}

impl NodeHandle {
    pub(super) fn new(running: Running) -> Self {
        Self(Arc::new(running))
    }

    pub(super) fn control(&self) -> &Control {
        &self.0.control
    }

    /// Returns the id of this node.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.0.members.me()
    }

    /// Returns the list of nodes with which this node was started. If the members can change,
    /// [`members_report`](Self::members_report) returns the current members.
    #[must_use]
    pub fn members(&self) -> &Membership {
        &self.0.members
    }

    /// Returns `true` if the members of the cluster can change while it runs.
    #[must_use]
    pub fn changes_members(&self) -> bool {
        self.0.changes_members
    }

    /// Returns `true` if this node votes. A node that does not vote is an observer: it was not
    /// added to the members yet, was removed from them, or has come back with another disk.
    #[must_use]
    pub fn votes(&self) -> bool {
        self.control().shared.votes.load(Ordering::Relaxed)
    }

    /// Returns what this node knows about the members of the cluster now. The leader knows more
    /// than other nodes: which nodes answer, and what a change of the members that is in progress
    /// waits for.
    ///
    /// # Errors
    /// [`Refusal::MembersAreFixed`] if the members cannot change, or an error if the node has
    /// stopped.
    pub async fn members_report(&self) -> Result<MembersReport, CommandError> {
        let report = self.control().members_report().await?;
        report.ok_or(CommandError::Refused(Refusal::MembersAreFixed))
    }

    /// Changes the members of the cluster. This node must lead. The call returns when this node has
    /// accepted the change. The change then continues without the caller, also if another node
    /// becomes the leader. The change is complete when [`MembersReport::goal`] is `None` and the
    /// voters of the report are those that the change asked for. Each step of the change is an
    /// event ([`EventKind::MembersChanged`](super::EventKind::MembersChanged)).
    ///
    /// ```
    /// # use elector_core::{MembersChange, NodeId, actor::{CommandError, NodeHandle}};
    /// /// Replaces a machine that does not come back.
    /// async fn replace(node: &NodeHandle, old: u64, new: u64) -> Result<(), CommandError> {
    ///     let report = node.members_report().await?;
    ///     let stay = report.voters().into_iter().filter(|&voter| voter != NodeId(old));
    ///     let mut change = MembersChange::to(stay.chain([NodeId(new)]).collect());
    ///     change.if_roster = Some(report.roster); // No other change came first.
    ///     node.change_members(change).await
    /// }
    /// ```
    ///
    /// # Errors
    /// If the node does not lead or has stopped, if the members cannot change, or if the algorithm
    /// refuses the change.
    pub async fn change_members(&self, change: MembersChange) -> Result<(), CommandError> {
        self.control().command(Command::ChangeMembers(change)).await
    }

    /// Returns the name of the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.0.algorithm
    }

    /// Returns the guarantee of the algorithm.
    #[must_use]
    pub fn guarantee(&self) -> GuaranteeKind {
        self.0.guarantee
    }

    /// Returns the current status of this node.
    #[must_use]
    pub fn status(&self) -> Status {
        self.control().shared.status.borrow().clone()
    }

    /// Returns a receiver of the status and its changes. Changes in quick succession may appear as
    /// one change; [`events`](Self::events) reports all of them.
    ///
    /// ```
    /// # use elector_core::{NodeId, actor::NodeHandle};
    /// /// Returns where to send a request, as soon as a node leads.
    /// async fn route(node: &NodeHandle) -> Option<NodeId> {
    ///     let mut status = node.subscribe();
    ///     let known = status.wait_for(|status| status.leader.is_some()).await;
    ///     known.ok()?.leader // An error means that the node has stopped.
    /// }
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.control().shared.status.subscribe()
    }

    /// Returns a reader of all events of this node from now on. The events are numbered.
    ///
    /// ```
    /// # use elector_core::actor::{EventsError, NodeHandle};
    /// async fn log(node: &NodeHandle) {
    ///     let mut events = node.events();
    ///     loop {
    ///         match events.next().await {
    ///             Ok(event) => println!("{}: {:?}", event.number, event.kind),
    ///             Err(EventsError::Lagged { missed }) => println!("{missed} were missed"),
    ///             Err(_) => return, // The node has stopped.
    ///         }
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        self.control().shared.events.subscribe()
    }

    /// Returns the counts of this node's inputs and messages so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let shared = &self.control().shared;
        Traffic {
            handled: shared.received.load(Ordering::Relaxed),
            sent: shared.sent.load(Ordering::Relaxed),
            undelivered: shared.undelivered.load(Ordering::Relaxed),
            refused: self.0.refused.load(Ordering::Relaxed),
            absurd: shared.absurd.load(Ordering::Relaxed),
        }
    }

    /// Makes this node stop leading, after the work of the leader has ended. Then another node may
    /// lead, or later this node again. If an application holds the leadership in hand (from
    /// [`campaign`](super::Elector::campaign)), that leadership ends, and the call waits until the
    /// application drops its [`Leadership`](super::Leadership), but no longer than the duration of
    /// a lease.
    ///
    /// # Errors
    /// If the node does not lead, or has stopped.
    pub async fn step_down(&self) -> Result<(), CommandError> {
        self.hand_over(Command::Resign).await
    }

    /// Makes this node stop leading in favour of the peer `node`, after the work of the leader has
    /// ended.
    ///
    /// ```
    /// # use elector_core::{NodeId, Role, actor::{CommandError, NodeHandle}};
    /// /// Moves the leadership away from a machine before its maintenance.
    /// async fn vacate(node: &NodeHandle, successor: NodeId) -> Result<(), CommandError> {
    ///     if node.status().role != Role::Leader {
    ///         return Ok(());
    ///     }
    ///     match node.transfer_to(successor).await {
    ///         // The successor cannot lead now: the algorithm chooses the best other node.
    ///         Err(CommandError::Refused(_)) => node.step_down().await,
    ///         done => done,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// If this node does not lead, or has stopped; if `node` is not a peer; or if the algorithm
    /// refuses the transfer, for example because that peer does not answer.
    pub async fn transfer_to(&self, node: impl Into<NodeId>) -> Result<(), CommandError> {
        let node = node.into();
        if !self.changes_members() && !self.members().has_peer(node) {
            // Without this check, the work would end before the algorithm refuses the transfer.
            let reason = "the node to transfer to is not a peer: name another member";
            return Err(CommandError::Refused(reason.into()));
        }
        self.hand_over(Command::TransferTo(node)).await
    }

    /// Stops the node: first the work ends, then the node steps down, then it stops. The work
    /// itself may call this method: a shutdown that has begun continues even if the future of this
    /// call is dropped. The shutdown waits for the work of [`lead`](super::Elector::lead) without a
    /// time limit. So the caller of `lead` must continue to poll the future of `lead`, or drop it.
    ///
    /// # Errors
    /// The reason why the node stopped, if it stopped by itself.
    pub async fn shutdown(&self) -> Result<(), NodeError> {
        let control = self.control().clone();
        // The shutdown runs in a task of its own. If the work calls this method, the shutdown ends
        // the work and so drops this future. The task continues.
        tokio::spawn(async move {
            // The result of the command does not matter. If the node does not lead, it refuses the
            // command. If the node has stopped already, the call of `stopped` below returns the
            // reason.
            let _ = control.hand_over(Command::Resign).await;
            control.send(Request::Stop);
        });
        let end = self.stopped().await;
        // Between the step-down and the stop, the node may have been elected again, and new work
        // may have begun. The shutdown waits for this work, too.
        let control = self.control();
        control.shared.work_ended(None, control.grace).await;
        end
    }

    /// Does the same as [`shutdown`](Self::shutdown), within about `limit`. Work that has not ended
    /// by then is dropped, even if its [`Grace`](super::Grace) is longer. Work that cannot be
    /// dropped, for example because it blocks its thread, is left running. In each of these cases
    /// the leadership ends, and the call returns at most two seconds after the limit.
    ///
    /// # Errors
    /// If the work or the node did not end in time, or if the node had stopped by itself.
    pub async fn shutdown_within(&self, limit: Duration) -> Result<(), ShutdownError> {
        self.close(limit, None).await.map(drop)
    }

    /// Leaves the cluster within about `limit`. Call this method for example after SIGTERM. The
    /// work ends, and the node steps down in favour of the best peer. (Under quorum algorithms this
    /// is the peer with the newest acknowledgement. Under other algorithms it is the peer with the
    /// highest id that is not suspected.) Then the node waits until it knows that another node
    /// leads, for at most four times the longest [election timeout](crate::Timing::election_max),
    /// and stops. A node that does not lead stops immediately. Returns the other node that leads
    /// now, as far as this node knows; `None` if this node learns of no other leader in time.
    ///
    /// [`shutdown`](Self::shutdown) does not wait for the next leader. If the process ends too soon
    /// after `shutdown`, the message that asks the successor to lead may be lost. Then the other
    /// nodes elect a leader only after their election timeout.
    ///
    /// ```
    /// # use std::{process::ExitCode, time::Duration};
    /// # use elector_core::actor::NodeHandle;
    /// /// Ends the node after SIGTERM.
    /// async fn terminate(node: &NodeHandle) -> ExitCode {
    ///     match node.leave(Duration::from_secs(20)).await {
    ///         Ok(_) => ExitCode::SUCCESS,
    ///         Err(error) => {
    ///             eprintln!("{error}");
    ///             ExitCode::FAILURE
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The errors of [`shutdown_within`](Self::shutdown_within).
    pub async fn leave(&self, limit: Duration) -> Result<Option<NodeId>, ShutdownError> {
        let alone = !self.changes_members() && self.members().len() == 1;
        let me = Some(self.node_id()).filter(|_| !alone);
        self.close(limit, me).await
    }

    /// Runs [`Control::close`] in a task of its own. If the work calls a method that runs this
    /// function, the shutdown ends the work and so drops this future. The task continues.
    async fn close(
        &self,
        limit: Duration,
        me: Option<NodeId>,
    ) -> Result<Option<NodeId>, ShutdownError> {
        let control = self.control().clone();
        let closing = tokio::spawn(async move { control.close(limit, me).await });
        let ended_under_it = Err(NodeError::ThreadEnded.into());
        closing.await.unwrap_or(ended_under_it)
    }

    /// Asks the node's thread to answer, and waits for an answer. A thread that hangs, for example
    /// on its disk, never answers: use a timeout.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use elector_core::actor::NodeHandle;
    /// async fn is_alive(node: &NodeHandle) -> bool {
    ///     let answer = tokio::time::timeout(Duration::from_millis(500), node.ping());
    ///     matches!(answer.await, Ok(Ok(())))
    /// }
    /// ```
    ///
    /// # Errors
    /// If the node has stopped.
    pub async fn ping(&self) -> Result<(), CommandError> {
        self.control().ping().await
    }

    /// Waits until the node has stopped.
    ///
    /// # Errors
    /// The reason why the node stopped, if it stopped by itself.
    pub async fn stopped(&self) -> Result<(), NodeError> {
        self.control().shared.end_of_node().await
    }

    /// Formats the node for `Debug`, as a structure with the name `name`.
    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("algorithm", &self.algorithm())
            .field("node", &self.node_id())
            .field("status", &self.status())
            .finish()
    }

    /// Ends the work, and then passes the command to the algorithm. Both happen in a task of their
    /// own, so that both happen even if the caller is cancelled: if only the first happened, this
    /// node would lead without work.
    async fn hand_over(&self, command: Command) -> Result<(), CommandError> {
        let control = self.control().clone();
        let handing = tokio::spawn(async move { control.hand_over(command).await });
        handing.await.unwrap_or(Err(NodeError::ThreadEnded.into()))
    }
}

impl fmt::Debug for NodeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show("NodeHandle", f)
    }
}
