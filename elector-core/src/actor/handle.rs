use std::{
    fmt,
    string::String,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::watch;

use super::{
    builder::Builder,
    control::Control,
    error::{CommandError, NodeError, ShutdownError},
    launch::Running,
    messages::Order,
    status::{Events, Status},
};
use crate::{Command, ElectionAlgorithm, Guarantee, GuaranteeKind, Membership, NodeId};

/// A node of an election, as an application holds it. Cheap to clone; when the last clone is
/// dropped, the node stops.
///
/// ```
/// use elector_core::{NodeId, actor::Elector};
/// # use elector_core::{BestEffort, ElectionAlgorithm, Epoch, Input, Membership, Message, Outbox,
/// #     Purpose, Timing, View};
/// # #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
/// #     serde::Deserialize)]
/// # struct Nothing;
/// # impl Message for Nothing {
/// #     fn kind(&self) -> &'static str { "Nothing" }
/// #     fn purpose(&self) -> Purpose { Purpose::Election }
/// # }
/// # #[derive(Clone, Debug, PartialEq, Eq, Hash)]
/// # struct Alone(Membership, Epoch);
/// # impl ElectionAlgorithm for Alone {
/// #     const NAME: &'static str = "alone";
/// #     type Guarantee = BestEffort;
/// #     type Config = Timing;
/// #     type Message = Nothing;
/// #     type Timer = ();
/// #     type Durable = Epoch;
/// #     fn restore(_: &Timing, members: Membership, epoch: Epoch) -> Self { Self(members, epoch) }
/// #     fn durable(&self) -> &Epoch { &self.1 }
/// #     fn view(&self) -> View {
/// #         if self.1 == Epoch(0) { View::default() } else { View::leading(self.1, self.0.me()) }
/// #     }
/// #     fn step(&mut self, _: Input<Nothing, ()>, _: &mut Outbox<Self>) { self.1 = Epoch(1); }
/// # }
/// # type Raft = Alone; // The stand-in for an algorithm of another crate.
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A cluster of one; several nodes need a transport, and disks.
/// let elector = Elector::<Raft>::builder("billing").node_id(1).peers([1]).start().await?;
/// let leader = elector.clone();
/// let leading = tokio::spawn(async move {
///     let work = leader.lead(|me| async move {
///         println!("epoch {}", me.epoch()); // Only one node does this.
///         me.lost().await;
///         Ok(())
///     });
///     work.await
/// });
/// elector.subscribe().wait_for(|status| status.holds_leadership()).await?;
/// elector.shutdown().await?;
/// leading.await??;
/// # Ok(())
/// # }
/// ```
pub struct Elector<A: ElectionAlgorithm>(Arc<Running<A>>);

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

impl<A: ElectionAlgorithm> Elector<A> {
    /// Begins to set up a node of the cluster `name`.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> Builder<A> {
        Builder::new(name.into())
    }

    pub(super) fn new(running: Running<A>) -> Self {
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

    /// What the algorithm promises.
    #[must_use]
    pub fn guarantee(&self) -> GuaranteeKind {
        A::Guarantee::KIND
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
    /// # use elector_core::{ElectionAlgorithm, NodeId, actor::Elector};
    /// /// Where to send a request, as soon as anybody leads.
    /// async fn route<A: ElectionAlgorithm>(elector: &Elector<A>) -> Option<NodeId> {
    ///     let mut status = elector.subscribe();
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
    /// # use elector_core::{ElectionAlgorithm, actor::{Elector, EventsError}};
    /// async fn log<A: ElectionAlgorithm>(elector: &Elector<A>) {
    ///     let mut events = elector.events();
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
            refused: self.0.post.dropped(),
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
    /// # use elector_core::{ElectionAlgorithm, NodeId, Role, actor::{CommandError, Elector}};
    /// /// Moves the leadership away from a machine that is to be serviced.
    /// async fn vacate<A: ElectionAlgorithm>(
    ///     elector: &Elector<A>,
    ///     heir: NodeId,
    /// ) -> Result<(), CommandError> {
    ///     if elector.status().role != Role::Leader {
    ///         return Ok(());
    ///     }
    ///     match elector.transfer_to(heir).await {
    ///         // That one is not to be had: the algorithm names the best of the others.
    ///         Err(CommandError::Refused(_)) => elector.step_down().await,
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
    /// [`lead`](Self::lead) for as long as that takes: the caller that keeps the future of `lead`
    /// must go on polling it, or drop it.
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
    /// # use elector_core::{ElectionAlgorithm, actor::Elector};
    /// /// What is left to do when SIGTERM has come.
    /// async fn terminate<A: ElectionAlgorithm>(elector: &Elector<A>) -> ExitCode {
    ///     match elector.leave(Duration::from_secs(20)).await {
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
    /// # use elector_core::{ElectionAlgorithm, actor::Elector};
    /// async fn is_alive<A: ElectionAlgorithm>(elector: &Elector<A>) -> bool {
    ///     let answer = tokio::time::timeout(Duration::from_millis(500), elector.ping());
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

    /// On a task of its own: half a hand-over would leave a leader that nobody works for.
    async fn hand_over(&self, command: Command) -> Result<(), CommandError> {
        let control = self.control().clone();
        let handing = tokio::spawn(async move { control.hand_over(command).await });
        handing
            .await
            .unwrap_or(Err(CommandError::Node(NodeError::ThreadEnded)))
    }
}

impl<A: ElectionAlgorithm> Clone for Elector<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: ElectionAlgorithm> fmt::Debug for Elector<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elector")
            .field("algorithm", &A::NAME)
            .field("node", &self.node_id())
            .field("status", &self.status())
            .finish()
    }
}
