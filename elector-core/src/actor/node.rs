mod epoch_check;
pub(super) mod hung_work;
mod leadership;
pub(super) mod members;
mod step;
pub(super) mod withdrawal;

use std::{
    mem,
    pin::Pin,
    sync::{Arc, atomic::AtomicU64},
    task::{self, Poll},
    time::Duration,
    vec::Vec,
};

use actix::{Actor, ActorContext, ActorFuture, AsyncContext, Context, Handler};

use self::{hung_work::HungWork, members::MembersWatch, withdrawal::Withdrawn};
use super::{
    clock::{self, Rng},
    error::NodeError,
    leadership_state::LeadershipState,
    queue::{Arrival, PeerEvent, Queue},
    recorder::Recorder,
    requests::{Replay, Request, StoreReport},
    shared::Shared,
    storage::Store,
    timers::Timers,
    transport::Links,
};
use crate::{Command, ElectionAlgorithm, Epoch, Input, Moment, Process, Refusal};

/// How many due timers the node handles before one message. Without this bound, an algorithm that
/// answers each timer with another timer without delay would keep the thread busy for ever.
const MAX_TIMERS_PER_MESSAGE: usize = 16;

/// How many steps may wait for the disk before the node drops all messages that it receives and all
/// messages that it would send. So many waiting steps mean that the disk hangs, and further
/// messages would only fill the memory.
const MAX_WAITING_STEPS: usize = 4096;

/// How many arrivals (messages, and reports about peers) the node handles before requests, wake-ups
/// and other actors of the thread have their turn.
const BATCH_SIZE: usize = 64;

/// How many messages in a row share one reading of the clock. A reading costs more than the
/// handling of a message. An old reading is harmless: as the timestamp of a heartbeat it makes the
/// lease end earlier, and as the current time it makes timers elapse later. A timer that is set
/// counts from a new reading.
const MESSAGES_PER_READING: u8 = 16;

/// The actor that runs a node from its start to its end. A node that is started again has a new
/// actor.
///
/// Its handlers do not wait for a disk, except for immediate storage and for the last save of a
/// node that is asked to stop. Messages of peers come through a [`Queue`], not through the actor's
/// mailbox. Before each message the node lets due timers elapse, so that no timer waits for the end
/// of a batch. The wake-ups that the actor requests from actix are needed for timers only while no
/// messages arrive.
pub(super) struct Node<A: ElectionAlgorithm> {
    /// The algorithm with its [`Driver`](crate::Driver), and with the [`Gate`](crate::Gate) that
    /// holds messages and views back until earlier writes are durable. The view that this
    /// [`Process`] has published may be older than the driver's view: the driver's view is
    /// published when the writes before it are durable.
    pub(super) process: Process<A>,
    pub(super) timers: Timers<A::Timer>,
    pub(super) links: Option<Box<dyn Links<A>>>,
    pub(super) store: Store<A::Durable>,
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Arc<Queue<A::Message>>,
    /// The buffer for the next batch of arrivals, always empty. The node keeps the buffer between
    /// two batches, so that a batch needs no new memory.
    pub(super) batch: Vec<Arrival<A::Message>>,
    pub(super) rng: Rng,
    /// How long a lease lasts after the timestamp of the heartbeat that a majority has
    /// acknowledged. The margin for clock drift is already subtracted.
    pub(super) lease: Duration,
    pub(super) leadership: Option<Arc<LeadershipState>>,
    /// The newest epoch in which this node granted a leadership, and the number of the next grant
    /// in this epoch.
    pub(super) grants: (Epoch, Arc<AtomicU64>),
    /// Set while the work of the leader hangs.
    pub(super) hung_work: Option<HungWork>,
    /// Set while the node takes no leadership, because its work has failed too often.
    pub(super) withdrawn: Option<Withdrawn>,
    pub(super) members: MembersWatch,
    /// The last reading of the clock.
    pub(super) now: Moment,
    /// How many more messages share the reading `now`. It is 0 at the start of each batch.
    pub(super) reading_uses_left: u8,
    pub(super) has_ended: bool,
    pub(super) recorder: Option<Box<Recorder<A>>>,
    /// The node's own thread, if it has one. When the node is dropped, it stops this thread as its
    /// last action.
    pub(super) thread: Option<super::actor_thread::ActorThread>,
}

// Actix requires that it may move the node. No field of the node must stay at its place in memory.
impl<A: ElectionAlgorithm> Unpin for Node<A> {}

impl<A: ElectionAlgorithm> Actor for Node<A> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if !self.is_replayed() {
            ctx.spawn(Arrivals);
            self.handle_input(Some(Input::Started), ctx);
        }
    }
}

/// A future that takes arrivals from the queue as long as the actor lives. Actix polls the future
/// when something has arrived, and each time after actix has emptied the mailbox.
struct Arrivals;

impl<A: ElectionAlgorithm> ActorFuture<Node<A>> for Arrivals {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        node: &mut Node<A>,
        ctx: &mut Context<Node<A>>,
        task: &mut task::Context<'_>,
    ) -> Poll<()> {
        // An unknown time has passed since the last reading of the clock, so the next input needs a
        // new reading.
        node.reading_uses_left = 0;
        let mut batch = mem::take(&mut node.batch);
        node.queue.take(BATCH_SIZE, &mut batch);
        if !batch.is_empty() {
            for arrival in batch.drain(..) {
                node.receive(arrival, ctx);
            }
            node.settle(ctx);
        }
        node.batch = batch;
        if !node.has_ended && !node.queue.sleep(task.waker()) {
            // More arrivals wait. Actix polls this future again, but first requests, wake-ups and
            // other actors of this thread have their turn.
            task.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<A: ElectionAlgorithm> Handler<StoreReport> for Node<A> {
    type Result = ();

    fn handle(&mut self, StoreReport(saved): StoreReport, ctx: &mut Self::Context) {
        if self.shared.is_killed() {
            return;
        }
        self.on_saved(saved, ctx);
    }
}

impl<A: ElectionAlgorithm> Handler<Request> for Node<A> {
    type Result = ();

    fn handle(&mut self, request: Request, ctx: &mut Self::Context) {
        match request {
            Request::Command(command, answer) => {
                let refusal = self.handle_input(Some(Input::Commanded(command)), ctx);
                // If the caller was cancelled, the answer is dropped.
                let _ = answer.send(refusal);
            }
            Request::GiveBack(leadership) if self.is_current(&leadership) => {
                self.handle_input(Some(Input::Commanded(Command::Resign)), ctx);
                // The algorithm may refuse the command. Then the node goes on leading, under a new
                // grant.
                self.grant_again(&leadership);
            }
            Request::GrantAgain(leadership) => self.grant_again(&leadership),
            Request::Watch(watch) => self.watch(watch, 0, ctx),
            Request::Withdraw(withdraws) => self.withdraw(withdraws, ctx),
            Request::Members(answer) => {
                self.read_clock();
                let _ = answer.send(self.members_report());
            }
            Request::Answer => self.shared.answer(),
            // This leadership is not the current one any more, so the node has nothing to give
            // back.
            Request::GiveBack(_) => {}
            Request::Stop if self.has_ended => {}
            Request::Stop => {
                self.end_leadership();
                let closed = self.store.close().map_err(NodeError::Storage);
                self.end(closed, ctx);
            }
        }
    }
}

impl<A: ElectionAlgorithm> Handler<Replay<A>> for Node<A> {
    type Result = ();

    fn handle(&mut self, replay: Replay<A>, ctx: &mut Self::Context) {
        self.now = replay.now;
        self.step(replay.input, ctx);
        let records = self.recorder.as_mut().map(|recorder| recorder.take());
        let _ = replay.answer.send(records.unwrap_or_default());
    }
}

impl<A: ElectionAlgorithm> Node<A> {
    fn is_replayed(&self) -> bool {
        self.recorder.is_some()
    }

    fn receive(&mut self, arrival: Arrival<A::Message>, ctx: &mut Context<Self>) {
        let input = match arrival {
            Arrival::Message { from, message } if !self.accepts(from, &message) => None,
            Arrival::Message { from, message } if self.process.waiting() < MAX_WAITING_STEPS => {
                Some(Input::Received { from, message })
            }
            Arrival::Message { .. } => {
                self.queue.count_drop();
                None
            }
            Arrival::Report(peer, PeerEvent::Suspicion) => Some(Input::Suspected(peer)),
            Arrival::Report(peer, PeerEvent::Silence) => Some(Input::Silent(peer)),
            Arrival::Report(peer, PeerEvent::Proof) => Some(Input::Died(peer)),
            Arrival::Report(peer, PeerEvent::Return) => Some(Input::Returned(peer)),
        };
        self.advance(input, ctx);
    }

    /// Handles one input, if there is one, and everything that is due after it. Returns the reason
    /// if the algorithm refused a command.
    pub(super) fn handle_input(
        &mut self,
        input: Option<Input<A::Message, A::Timer>>,
        ctx: &mut Context<Self>,
    ) -> Option<Refusal> {
        let refusal = self.advance(input, ctx);
        self.settle(ctx);
        refusal
    }

    /// Lets due timers elapse, then handles an input. The caller must then call `settle`, after
    /// this input or at the end of its batch.
    // Without inlining, each call on the way to the algorithm would copy the input once more.
    #[inline(always)]
    fn advance(
        &mut self,
        input: Option<Input<A::Message, A::Timer>>,
        ctx: &mut Context<Self>,
    ) -> Option<Refusal> {
        match self.reading_uses_left.checked_sub(1) {
            Some(left) => self.reading_uses_left = left,
            None => self.read_clock(),
        }
        self.elapse_timers(ctx);
        if self.stop_if_killed(ctx) {
            return None;
        }
        input.and_then(|input| self.step(input, ctx))
    }

    /// Does the work that is due once after any number of inputs: lets timers without delay elapse,
    /// updates the leadership, and requests the next wake-up.
    fn settle(&mut self, ctx: &mut Context<Self>) {
        self.elapse_timers(ctx);
        if !self.stop_if_killed(ctx) {
            self.update_leadership();
            self.decline(ctx);
            self.publish_members();
            self.request_wake_up(ctx);
        }
    }

    fn read_clock(&mut self) {
        self.now = clock::now();
        self.reading_uses_left = MESSAGES_PER_READING;
    }

    fn stop_if_killed(&mut self, ctx: &mut Context<Self>) -> bool {
        if self.shared.is_killed() && !self.has_ended {
            self.end(Ok(()), ctx);
        }
        self.has_ended
    }

    fn elapse_timers(&mut self, ctx: &mut Context<Self>) {
        for _ in 0..MAX_TIMERS_PER_MESSAGE {
            let Some(timer) = self.timers.take_due(self.now) else {
                return;
            };
            if self.stop_if_killed(ctx) {
                return;
            }
            self.step(Input::Elapsed(timer), ctx);
        }
    }

    fn request_wake_up(&mut self, ctx: &mut Context<Self>) {
        if let Some(due) = self.timers.missing_wake_up() {
            ctx.run_later(due.saturating_since(self.now), move |node, ctx| {
                node.timers.woken(due);
                node.reading_uses_left = 0;
                node.handle_input(None, ctx);
            });
        }
    }

    fn end(&mut self, end: super::shared::End, ctx: &mut Context<Self>) {
        if let Err(error) = &end {
            tracing::error!(
                node = self.process.driver().members().me().0,
                ?error,
                "node stopped"
            );
        }
        self.has_ended = true;
        self.end_leadership();
        self.queue.close();
        self.links = None;
        self.shared.end(end);
        ctx.stop();
    }
}

// The handles must be notified of every end of the actor, also if the actor itself panics.
impl<A: ElectionAlgorithm> Drop for Node<A> {
    fn drop(&mut self) {
        self.end_leadership();
        self.queue.close();
        // The links to the peers are closed before the handles are notified: an application that is
        // notified may start the node again, and the node that is started again may open the same
        // links.
        self.links = None;
        self.shared.end(Err(NodeError::ThreadEnded));
        if let Some(thread) = self.thread.take() {
            thread.stop();
        }
    }
}
