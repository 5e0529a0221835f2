use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

use actix::{AsyncContext, Context, WrapFuture, fut::ActorFutureExt};
use tokio::task::yield_now;

use super::{MAX_WAITING_STEPS, Node};
use crate::{
    ElectionAlgorithm, Input, Outgoing, Process, Refusal, Step, TimerChange, View,
    actor::{
        error::{NodeError, panic_text},
        storage::Saved,
    },
    host::{Host, Persist, carry_out, persisted},
    trace::{Event, EventOf},
};

/// A node that carries out a step, with its actix context.
struct ActingNode<'a, A: ElectionAlgorithm> {
    node: &'a mut Node<A>,
    ctx: &'a mut Context<Node<A>>,
}

impl<A: ElectionAlgorithm> Host<A> for ActingNode<'_, A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        (!self.node.has_ended).then_some(&mut self.node.process)
    }

    fn begin(&mut self, step: &mut Step<A>) {
        let node = &mut self.node;
        // A leader that steps down may send its successor a message in the same step. The
        // leadership of this node's own work must end before the successor receives this message.
        if node.leadership.is_some() && !node.process.leads() {
            node.end_leadership();
        }
        if node.process.waiting() >= MAX_WAITING_STEPS {
            let lost = step.sends.drain(..).count();
            let lost = u64::try_from(lost).unwrap_or(u64::MAX);
            node.shared.undelivered.fetch_add(lost, Ordering::Relaxed);
        }
    }

    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist {
        self.node.members_may_have_changed();
        match self.node.store.save(step, durable) {
            Some(Ok(_)) => Persist::Done,
            Some(Err(error)) => {
                self.node.end(Err(NodeError::Storage(error)), self.ctx);
                Persist::Pending
            }
            None => {
                self.node.flush_soon(self.ctx);
                Persist::Pending
            }
        }
    }

    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]) {
        let node = &mut self.node;
        if !node.is_replayed() {
            node.read_clock();
        }
        for &change in changes {
            match change {
                TimerChange::Set(timer, delay) => {
                    let duration = node.rng.draw(delay);
                    node.timers.set(timer, node.now.saturating_add(duration));
                }
                TimerChange::Cancel(timer) => node.timers.cancel(timer),
            }
        }
    }

    fn send(&mut self, step: u64, out: Outgoing<A::Message>) {
        if let Some(recorder) = &mut self.node.recorder {
            recorder.push(Event::sent(step, 0, &out));
        }
        let Outgoing { to, message } = out;
        let (links, shared) = (&mut self.node.links, &self.node.shared);
        let sent = links.as_mut().map(|links| links.send(to, message));
        count(if sent == Some(Ok(())) {
            &shared.sent
        } else {
            &shared.undelivered
        });
    }

    fn publish(&mut self, _step: u64, view: View) {
        self.node.shared.publish(view);
    }

    fn traces(&self) -> bool {
        self.node.recorder.is_some()
    }

    fn record(&mut self, event: EventOf<A>) {
        if let Some(recorder) = &mut self.node.recorder {
            recorder.push(event);
        }
    }
}

/// Handles the inputs of a node.
impl<A: ElectionAlgorithm> Node<A> {
    #[inline(always)]
    pub(super) fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        ctx: &mut Context<Self>,
    ) -> Option<Refusal> {
        if let Some(recorder) = &mut self.recorder {
            recorder.input(&input);
        }
        count(&self.shared.received);
        let (process, now) = (&mut self.process, self.now);
        // If the algorithm panics, `process` is not used any more. So its state after the panic
        // does not matter.
        let stepped = catch_unwind(AssertUnwindSafe(|| process.step(input, now)));
        match stepped {
            Ok(Ok(step)) => {
                let refusal = step.refusal;
                carry_out(&mut ActingNode { node: self, ctx }, step);
                refusal
            }
            Ok(Err(violation)) => {
                self.end(Err((*violation).into()), ctx);
                None
            }
            Err(panic) => {
                self.end(Err(NodeError::Panicked(panic_text(&*panic))), ctx);
                None
            }
        }
    }

    /// Starts the save after other tasks of this thread had their turn, so that messages that the
    /// node has already sent leave the machine first. For example, the requests of a candidate do
    /// not wait until the candidate's own vote is saved.
    fn flush_soon(&self, ctx: &mut Context<Self>) {
        let flush = yield_now().into_actor(self).map(|(), node, ctx| {
            if !node.has_ended
                && let Some(saved) = node.store.flush()
            {
                node.on_saved(saved, ctx);
            }
        });
        ctx.spawn(flush);
    }

    /// Handles the result of a save, and makes the steps visible that waited for this save.
    pub(super) fn on_saved(&mut self, saved: Saved, ctx: &mut Context<Self>) {
        match saved {
            Ok(number) => persisted(&mut ActingNode { node: self, ctx }, number),
            Err(error) => self.end(Err(NodeError::Storage(error)), ctx),
        }
        self.handle_input(None, ctx);
    }
}

/// Adds one to a counter. Only the node's thread writes the counter, so a load and a store are
/// enough.
fn count(counter: &AtomicU64) {
    let known = counter.load(Ordering::Relaxed);
    counter.store(known.wrapping_add(1), Ordering::Relaxed);
}
