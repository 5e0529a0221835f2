mod door;
mod grant;
mod step;
pub(super) mod watch;
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

use self::{watch::Deserted, withdrawal::Withdrawn};
use super::{
    clock::{self, Chance},
    error::NodeError,
    messages::{Order, Replay, StoreReport},
    post::{Arrival, Hint, Post},
    shared::Shared,
    storage::Store,
    tape::Tape,
    tenure::Tenure,
    timers::Timers,
    transport::Links,
};
use crate::{Command, ElectionAlgorithm, Epoch, Input, Process, Refusal};

/// How many timers may elapse in the wake of one message. An algorithm that sets a timer of no
/// delay at every one of them would otherwise hold its thread forever.
const TIMERS_A_MESSAGE: usize = 16;

/// How many steps may wait for the disk before the node goes deaf, and dumb. It is a disk that
/// hangs: what more it heard would only fill the memory.
const MOST_WAITING: usize = 4096;

/// How many arrivals are handled before orders, wake-ups and other actors of the thread have their
/// turn.
const BATCH: usize = 64;

/// For how many messages in a row one reading of the clock serves. Reading it costs more than
/// handling a message does. An old reading is harmless where it is used: as a stamp it makes a
/// lease end earlier, and as the time at which timers are looked at it makes them elapse later. A
/// timer that is set counts from a new reading.
const MESSAGES_A_READING: u8 = 16;

/// The actor that runs one life of one node.
///
/// Its handlers never wait and never touch a disk. What peers say does not come through the actor's
/// mailbox, but through a [`Post`]. Each message first lets the timers elapse that are due, so that
/// none has to wait for the end of a batch; the wake-up that the actor asks for is for quiet times.
pub(super) struct Node<A: ElectionAlgorithm> {
    /// The view that it has published may lag behind its driver by a write.
    pub(super) process: Process<A>,
    pub(super) timers: Timers<A::Timer>,
    pub(super) links: Option<Box<dyn Links<A>>>,
    pub(super) store: Store<A::Durable>,
    pub(super) shared: Arc<Shared>,
    pub(super) post: Arc<Post<A::Message>>,
    /// Empty, except while it is worked through.
    pub(super) batch: Vec<Arrival<A::Message>>,
    pub(super) chance: Chance,
    /// How long a lease lasts from its stamp, in nanoseconds, the margin for drift taken off.
    pub(super) lease: u64,
    pub(super) tenure: Option<Arc<Tenure>>,
    /// The newest epoch that was granted, and the number of its next grant.
    pub(super) grants: (Epoch, Arc<AtomicU64>),
    /// While the work of the leader hangs.
    pub(super) deserted: Option<Deserted>,
    /// While the node takes no leadership, because its work has failed too often.
    pub(super) withdrawn: Option<Withdrawn>,
    /// The last reading of the clock, in nanoseconds.
    pub(super) now: u64,
    /// How many more messages it serves; none once nothing more had arrived.
    pub(super) reading_serves: u8,
    pub(super) ended: bool,
    pub(super) tape: Option<Box<Tape>>,
    /// Stops the thread, where the node has one to itself. Dropped last.
    pub(super) lane: Option<super::lane::Lane>,
}

// Actix wants to move it; nothing in it is pinned in place.
impl<A: ElectionAlgorithm> Unpin for Node<A> {}

impl<A: ElectionAlgorithm> Actor for Node<A> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if !self.is_replayed() {
            ctx.spawn(Arrivals);
            self.take(Some(Input::Started), ctx);
        }
    }
}

/// Takes what arrives, for as long as the actor lives. Actix polls it when something has arrived,
/// and whenever it has emptied the mailbox.
struct Arrivals;

impl<A: ElectionAlgorithm> ActorFuture<Node<A>> for Arrivals {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        node: &mut Node<A>,
        ctx: &mut Context<Node<A>>,
        task: &mut task::Context<'_>,
    ) -> Poll<()> {
        // Nobody knows how long nothing has happened.
        node.reading_serves = 0;
        let mut batch = mem::take(&mut node.batch);
        node.post.take(BATCH, &mut batch);
        if !batch.is_empty() {
            for arrival in batch.drain(..) {
                node.receive(arrival, ctx);
            }
            node.settle(ctx);
        }
        node.batch = batch;
        if !node.ended && !node.post.sleep(task.waker()) {
            // Orders, wake-ups and other actors of this thread first.
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
        self.stored(saved, ctx);
    }
}

impl<A: ElectionAlgorithm> Handler<Order> for Node<A> {
    type Result = ();

    fn handle(&mut self, order: Order, ctx: &mut Self::Context) {
        match order {
            Order::Command(command, answer) => {
                let refusal = self.take(Some(Input::Commanded(command)), ctx);
                // Nobody may wait for it any more.
                let _ = answer.send(refusal);
            }
            Order::GiveBack(tenure) if self.has(&tenure) => {
                self.take(Some(Input::Commanded(Command::Resign)), ctx);
                // Refused, perhaps: then the node goes on leading, under a grant of its own.
                self.go_on(&tenure);
            }
            Order::GoOn(tenure) => self.go_on(&tenure),
            Order::Watch(watch) => self.watch(watch, 0, ctx),
            Order::Withdraw(withdraws) => self.withdraw(withdraws, ctx),
            Order::Answer => self.shared.answer(),
            // Over already.
            Order::GiveBack(_) => {}
            Order::Stop if self.ended => {}
            Order::Stop => {
                self.end_tenure();
                let closed = self.store.close().map_err(NodeError::Storage);
                self.end(closed, ctx);
            }
        }
    }
}

impl<A: ElectionAlgorithm> Handler<Replay<A>> for Node<A> {
    type Result = ();

    fn handle(&mut self, replay: Replay<A>, ctx: &mut Self::Context) {
        self.now = replay.now.nanos();
        self.step(replay.input, ctx);
        let records = self.tape.as_mut().map(|tape| tape.take());
        let _ = replay.answer.send(records.unwrap_or_default());
    }
}

impl<A: ElectionAlgorithm> Node<A> {
    fn is_replayed(&self) -> bool {
        self.tape.is_some()
    }

    fn receive(&mut self, arrival: Arrival<A::Message>, ctx: &mut Context<Self>) {
        let input = match arrival {
            Arrival::Message { from, message } if !self.accepts(from, &message) => None,
            Arrival::Message { from, message } if self.process.waiting() < MOST_WAITING => {
                Some(Input::Received { from, message })
            }
            Arrival::Message { .. } => {
                self.post.drops();
                None
            }
            Arrival::Hint(peer, Hint::Suspicion) => Some(Input::Suspected(peer)),
            Arrival::Hint(peer, Hint::Silence) => Some(Input::Silent(peer)),
            Arrival::Hint(peer, Hint::Proof) => Some(Input::Died(peer)),
            Arrival::Hint(peer, Hint::Return) => Some(Input::Returned(peer)),
        };
        self.advance(input, ctx);
    }

    /// Handles one input, or none, and all that follows from it. What it gives is why the
    /// algorithm refused.
    pub(super) fn take(
        &mut self,
        input: Option<Input<A::Message, A::Timer>>,
        ctx: &mut Context<Self>,
    ) -> Option<Refusal> {
        let refusal = self.advance(input, ctx);
        self.settle(ctx);
        refusal
    }

    /// Lets the timers elapse that are due, then handles an input. Whoever calls it settles, at
    /// the latest after a batch.
    fn advance(
        &mut self,
        input: Option<Input<A::Message, A::Timer>>,
        ctx: &mut Context<Self>,
    ) -> Option<Refusal> {
        match self.reading_serves.checked_sub(1) {
            Some(left) => self.reading_serves = left,
            None => self.read_clock(),
        }
        self.elapse(ctx);
        if self.stopping(ctx) {
            return None;
        }
        input.and_then(|input| self.step(input, ctx))
    }

    /// What is due once, however many inputs were handled: timers that they set to no delay, the
    /// tenure, the next wake-up.
    fn settle(&mut self, ctx: &mut Context<Self>) {
        self.elapse(ctx);
        if !self.stopping(ctx) {
            self.keep_tenure();
            self.decline(ctx);
            self.arm(ctx);
        }
    }

    fn read_clock(&mut self) {
        self.now = clock::now().nanos();
        self.reading_serves = MESSAGES_A_READING;
    }

    fn stopping(&mut self, ctx: &mut Context<Self>) -> bool {
        if self.shared.is_killed() && !self.ended {
            self.end(Ok(()), ctx);
        }
        self.ended
    }

    fn elapse(&mut self, ctx: &mut Context<Self>) {
        for _ in 0..TIMERS_A_MESSAGE {
            let Some(timer) = self.timers.take_due(self.now) else {
                return;
            };
            if self.stopping(ctx) {
                return;
            }
            self.step(Input::Elapsed(timer), ctx);
        }
    }

    fn arm(&mut self, ctx: &mut Context<Self>) {
        if let Some(due) = self.timers.missing_wake_up() {
            let wait = Duration::from_nanos(due.saturating_sub(self.now));
            ctx.run_later(wait, move |node, ctx| {
                node.timers.woken(due);
                node.reading_serves = 0;
                node.take(None, ctx);
            });
        }
    }

    fn end(&mut self, end: super::shared::End, ctx: &mut Context<Self>) {
        if let Err(error) = &end {
            tracing::error!(node = self.process.driver().members().me().0, %error, "node stopped");
        }
        self.ended = true;
        self.end_tenure();
        self.post.close();
        self.links = None;
        self.shared.end(end);
        ctx.stop();
    }
}

// However the actor goes, also by a panic of the host itself, its handles must hear of it.
impl<A: ElectionAlgorithm> Drop for Node<A> {
    fn drop(&mut self) {
        self.end_tenure();
        self.post.close();
        // Before anybody hears of the end: the next life may open the same links.
        self.links = None;
        self.shared.end(Err(NodeError::ThreadEnded));
        if let Some(lane) = self.lane.take() {
            lane.stop();
        }
    }
}
