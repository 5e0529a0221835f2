use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    string::String,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use tokio::sync::watch;

use super::{
    builder::Builder,
    error::{CommandError, LeadError, NodeError, panic_text},
    launch::{Control, Running},
    leadership::{Claim, Leadership},
    messages::Order,
    status::{Events, Status},
    transport::BoxError,
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
/// let work = elector.lead(|me| async move {
///     println!("epoch {}", me.epoch()); // Only one node does this.
///     Err("enough".into())
/// });
/// assert_eq!(work.await.unwrap_err().to_string(), "the work of the leader failed: enough");
/// elector.shutdown().await?;
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
    /// Messages that the transport knows to be lost: no connection, or a full mailbox there.
    pub undelivered: u64,
    /// Messages that this node refused, for too many of the same peer waited in its mailbox, or
    /// too much of its own for a disk that hangs.
    pub refused: u64,
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
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        self.control().shared.status.subscribe()
    }

    /// Everything that happens to this node from now on, numbered.
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
            refused: self.0.waiting.dropped(),
        }
    }

    /// Runs `work` whenever this node leads, once for each tenure, and only one at a time.
    ///
    /// Under [`Quorum`](crate::Quorum) the work begins when a majority has confirmed the lease, and
    /// an algorithm configured without leases never begins it. When the leadership is over, the
    /// work's future is dropped; when the application wants it to be over (`step_down`, `transfer_to`,
    /// `shutdown`), the node goes on leading until the future has been dropped. Work that ends
    /// with `Ok` gives the leadership back; the node may win another. Work that returns an error
    /// when it was not the leader any more has lost its leadership, and has not failed.
    ///
    /// What the work has spawned is its own business: use
    /// [`Leadership::cancellation`], or check.
    ///
    /// Returns `Ok` when the node was shut down.
    ///
    /// # Errors
    /// If the work failed or panicked, after the leadership was given back; if the node stopped by
    /// itself.
    pub async fn lead<F, Fut>(&self, mut work: F) -> Result<(), LeadError>
    where
        F: FnMut(Leadership<A::Guarantee>) -> Fut + Send,
        Fut: Future<Output = Result<(), BoxError>> + Send,
    {
        loop {
            let claim = match self.claim(false).await {
                Ok(claim) => claim,
                Err(CommandError::Node(error)) => return Err(error.into()),
                Err(_) => return Ok(()),
            };
            // Also if this is cancelled, and a guard has got out of the work.
            let finish = Finish(claim);
            let outcome = work_under(&finish.0, &mut work).await;
            let lost = finish.0.is_lost();
            drop(finish);
            match outcome {
                None | Some(Ok(Ok(()))) => {}
                // Nothing else is to be expected of work that asks before it writes.
                Some(Ok(Err(error))) if lost => {
                    tracing::debug!(%error, "work ended with its leadership");
                }
                Some(Ok(Err(error))) => return Err(LeadError::Work(error)),
                Some(Err(panic)) => return Err(LeadError::Panicked(panic)),
            }
        }
    }

    /// Tries to become the leader now, and waits until this node is, however long that takes.
    /// While a healthy leader exists, a quorum algorithm lets nobody depose it. Safe to cancel.
    ///
    /// # Errors
    /// If the node was shut down, or stopped by itself.
    pub async fn campaign(&self) -> Result<Leadership<A::Guarantee>, CommandError> {
        match self.control().command(Command::Campaign).await {
            // Refused: for one, because it leads already.
            Ok(()) | Err(CommandError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
        let claim = self.claim(true).await?;
        let tenure = Arc::clone(&claim.tenure);
        // Its cancellation token must hear of a deadline that passes, even if nobody asks.
        tokio::spawn(async move { tenure.lost().await });
        Ok(Leadership::new(claim))
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
    /// # Errors
    /// If the node does not lead, or stopped; if the peer is none.
    pub async fn transfer_to(&self, node: impl Into<NodeId>) -> Result<(), CommandError> {
        let node = node.into();
        if node == self.node_id() || !self.members().contains(node) {
            // Before the work is ended for it.
            let reason = "the node to transfer to must be another one of the cluster";
            return Err(CommandError::Refused(reason));
        }
        self.hand_over(Command::TransferTo(node)).await
    }

    /// Stops the node: the work ends, then leadership is given back, then the node. Once begun it
    /// goes on, also if this is cancelled; so the work itself may call it. It waits for the work of
    /// [`lead`](Self::lead) for as long as that takes: whoever keeps the future of `lead` must go on
    /// polling it, or drop it.
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

    /// Waits until this node leads and nobody works under that yet.
    async fn claim(&self, in_hand: bool) -> Result<Arc<Claim>, CommandError> {
        let shared = &self.control().shared;
        let claiming = async {
            let permit = Arc::clone(&shared.worker).acquire_owned().await;
            let permit = permit.map_err(|_| CommandError::ShutDown)?;
            let mut tenures = shared.tenure.subscribe();
            loop {
                let tenure = tenures.borrow_and_update().clone();
                if let Some(tenure) = tenure
                    && shared.begin_work(&tenure, in_hand)
                {
                    return Ok(Claim::new(tenure, self.control().clone(), permit));
                }
                let changed = tenures.changed().await;
                changed.map_err(|_| CommandError::ShutDown)?;
            }
        };
        tokio::select! {
            biased;
            end = shared.end_of_node() => Err(match end {
                Err(error) => error.into(),
                Ok(()) => CommandError::ShutDown,
            }),
            claim = claiming => claim,
        }
    }
}

/// Says that the work has ended, however it went.
struct Finish(Arc<Claim>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finish();
    }
}

/// Runs the work until it ends or the tenure does: `None` for the latter, and the text of a panic.
async fn work_under<G, F, Fut>(
    claim: &Arc<Claim>,
    work: &mut F,
) -> Option<Result<Result<(), BoxError>, String>>
where
    G: Guarantee,
    F: FnMut(Leadership<G>) -> Fut,
    Fut: Future<Output = Result<(), BoxError>>,
{
    let leadership = Leadership::new(Arc::clone(claim));
    // After a panic neither is used again.
    let future = match catch_unwind(AssertUnwindSafe(|| work(leadership))) {
        Ok(future) => future,
        Err(panic) => return Some(Err(panic_text(&*panic))),
    };
    let work = Caught(pin!(future));
    tokio::select! {
        biased;
        () = claim.tenure.lost() => None,
        outcome = work => Some(outcome),
    }
}

/// A future whose panic is its output.
struct Caught<F>(F);

impl<F: Future + Unpin> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = catch_unwind(AssertUnwindSafe(|| Pin::new(&mut self.0).poll(cx)));
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic_text(&*panic))),
        }
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
