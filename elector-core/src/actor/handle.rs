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
    messages::Order,
    status::{Events, Status},
};
use crate::{Command, GuaranteeKind, Membership, NodeId};

/// What can be asked of a node, whatever its algorithm and its guarantee. Cheap to clone. An
/// [`Elector`](super::Elector) dereferences to it, and adds the guarantee, and with it the work of
/// the leader.
///
/// When the last handle of a node is dropped, of either type, the node stops.
#[derive(Clone)]
pub struct NodeHandle(Arc<Running>);

/// A node that runs, until this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) control: Control,
    /// How many messages the node refused so far.
    pub(super) refused: Arc<AtomicU64>,
    pub(super) members: Membership,
    /// The name of the algorithm.
    pub(super) algorithm: &'static str,
    pub(super) guarantee: GuaranteeKind,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.order(Order::Stop);
    }
}

/// What went through a node so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Inputs that the algorithm has handled: messages, timers, hints and commands.
    pub handled: u64,
    /// Messages handed to the transport.
    pub sent: u64,
    /// Messages that the transport knows to be lost: no connection, or too much waits there.
    pub undelivered: u64,
    /// Messages that this node refused, for too many of the same peer waited already, or
    /// too much of its own for a disk that hangs.
    pub refused: u64,
    /// Messages that this node did not [believe](crate::Epoch::believes): they name an epoch that
    /// no cluster reaches, so that their sender is broken, or lies.
    pub absurd: u64,
}

impl NodeHandle {
    pub(super) fn new(running: Running) -> Self {
        Self(Arc::new(running))
    }

    pub(super) fn control(&self) -> &Control {
        &self.0.control
    }

    /// This node.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.0.members.me()
    }

    /// All nodes of the cluster, seen from this one.
    #[must_use]
    pub fn members(&self) -> &Membership {
        &self.0.members
    }

    /// The name of the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        self.0.algorithm
    }

    /// What the algorithm promises.
    #[must_use]
    pub fn guarantee(&self) -> GuaranteeKind {
        self.0.guarantee
    }

    /// What this node knows now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.control().shared.status.borrow().clone()
    }

    /// What this node knows, and whenever that changes. Changes that follow each other closely may
    /// be seen as one; [`events`](Self::events) tells all of them.
    ///
    /// ```
    /// # use elector_core::{NodeId, actor::NodeHandle};
    /// /// Where to send a request, as soon as some node leads.
    /// async fn route(node: &NodeHandle) -> Option<NodeId> {
    ///     let mut status = node.subscribe();
    ///     let known = status.wait_for(|status| status.leader.is_some()).await;
    ///     known.ok()?.leader // An error says that the node is gone.
    /// }
    /// ```
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.control().shared.status.subscribe()
    }

    /// Everything that happens to this node from now on, numbered.
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
        self.control().shared.news.subscribe()
    }

    /// What went through this node so far.
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

    /// Stops leading, once the work of the leader has ended; another node may then lead, or after
    /// a while this one again. A guard in hand is told, and waited for no longer than a lease.
    ///
    /// # Errors
    /// If the node does not lead, or stopped.
    pub async fn step_down(&self) -> Result<(), CommandError> {
        self.hand_over(Command::Resign).await
    }

    /// Stops leading in favour of this peer, once the work of the leader has ended.
    ///
    /// ```
    /// # use elector_core::{NodeId, Role, actor::{CommandError, NodeHandle}};
    /// /// Moves the leadership away from a machine that is to be serviced.
    /// async fn vacate(node: &NodeHandle, heir: NodeId) -> Result<(), CommandError> {
    ///     if node.status().role != Role::Leader {
    ///         return Ok(());
    ///     }
    ///     match node.transfer_to(heir).await {
    ///         // The heir cannot lead now: the algorithm chooses the best of the other nodes.
    ///         Err(CommandError::Refused(_)) => node.step_down().await,
    ///         done => done,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// If the node does not lead, or stopped; if the peer is none.
    pub async fn transfer_to(&self, node: impl Into<NodeId>) -> Result<(), CommandError> {
        let node = node.into();
        if node == self.node_id() || !self.members().contains(node) {
            // Before the work is ended for it.
            let reason = "the node to transfer to must be another one of the cluster";
            return Err(CommandError::Refused(reason.into()));
        }
        self.hand_over(Command::TransferTo(node)).await
    }

    /// Stops the node: the work ends, then leadership is given back, then the node. Once begun it
    /// goes on, also if this is cancelled; so the work itself may call it. It waits for the work of
    /// [`lead`](super::Elector::lead) for as long as that takes: the caller that keeps the future
    /// of `lead` must go on polling it, or drop it.
    ///
    /// # Errors
    /// If the node had stopped by itself, and why.
    pub async fn shutdown(&self) -> Result<(), NodeError> {
        let control = self.control().clone();
        // On a task of its own: the work may call it, and is dropped for it.
        tokio::spawn(async move {
            // Refused where it does not lead; and a node that has stopped is told by its end.
            let _ = control.hand_over(Command::Resign).await;
            control.order(Order::Stop);
        });
        let end = self.stopped().await;
        // It may have been elected again in between, and new work may have begun.
        let control = self.control();
        control.shared.work_ended(None, control.grace).await;
        end
    }

    /// As [`shutdown`](Self::shutdown), within about `limit`: work that has not ended by then is
    /// dropped, whatever [`Grace`](super::Grace) it was promised, and what cannot be dropped is
    /// left behind. The leadership is over in any case, and two seconds after the limit this has
    /// returned.
    ///
    /// # Errors
    /// If something did not end in time, and what; if the node had stopped by itself.
    pub async fn shutdown_within(&self, limit: Duration) -> Result<(), ShutdownError> {
        self.close(limit, None).await.map(drop)
    }

    /// Leaves the cluster in good order, within about `limit`, as for SIGTERM: the work ends, the
    /// node steps down in favour of the best peer (under quorum algorithms the one heard of last,
    /// under the others the highest), waits until it knows that another node leads, for the time of
    /// four election timeouts at the most, names it, and stops. A node that does not lead stops at
    /// once, and names the leader it knows; one that learns of no other leader in time stops all
    /// the same, and gives `None`.
    ///
    /// [`shutdown`](Self::shutdown) does not wait for the next leader: if the process ends too soon
    /// after it, the peer may not have heard of its luck, and the others elect by timeout.
    ///
    /// ```
    /// # use std::{process::ExitCode, time::Duration};
    /// # use elector_core::actor::NodeHandle;
    /// /// What is left to do when SIGTERM has come.
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
    /// As [`shutdown_within`](Self::shutdown_within).
    pub async fn leave(&self, limit: Duration) -> Result<Option<NodeId>, ShutdownError> {
        let alone = self.members().len() == 1;
        let me = Some(self.node_id()).filter(|_| !alone);
        self.close(limit, me).await
    }

    /// On a task of its own: the work may call it, and is dropped for it.
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

    /// Waits until the node's thread has taken a message that was sent now. A thread that hangs, on
    /// its disk for one, never does: put a limit on it.
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
    /// If it stopped by itself, and why.
    pub async fn stopped(&self) -> Result<(), NodeError> {
        self.control().shared.end_of_node().await
    }

    /// Shows the node as a structure of this name.
    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("algorithm", &self.algorithm())
            .field("node", &self.node_id())
            .field("status", &self.status())
            .finish()
    }

    /// On a task of its own: half a hand-over would leave a leader that nobody works for.
    async fn hand_over(&self, command: Command) -> Result<(), CommandError> {
        let control = self.control().clone();
        let handing = tokio::spawn(async move { control.hand_over(command).await });
        handing
            .await
            .unwrap_or(Err(CommandError::Node(NodeError::ThreadEnded)))
    }
}

impl fmt::Debug for NodeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show("NodeHandle", f)
    }
}
