use std::{
    boxed::Box,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU64, Ordering},
};

use actix::{AsyncContext, Context, WrapFuture, fut::ActorFutureExt};
use tokio::task::yield_now;

use super::{MOST_WAITING, Node};
use crate::{
    ElectionAlgorithm, Input, Moment, Outgoing, Refusal, Step, TimerOrder,
    actor::{
        error::{NodeError, panic_text},
        storage::Saved,
    },
};

/// What a node does with an input: the host's duty.
impl<A: ElectionAlgorithm> Node<A> {
    pub(super) fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        ctx: &mut Context<Self>,
    ) -> Option<Refusal> {
        if let Some(tape) = &mut self.tape {
            tape.input::<A>(&input);
        }
        count(&self.shared.received);
        let moment = Moment::from_nanos(self.now);
        let driver = &mut self.driver;
        // The driver is not used again after a panic.
        let stepped = catch_unwind(AssertUnwindSafe(|| driver.step(input, moment)));
        match stepped {
            Ok(Ok(step)) => {
                let refusal = step.refusal;
                self.carry_out(step, ctx);
                refusal
            }
            Ok(Err(violation)) => {
                self.end(Err(violation.into()), ctx);
                None
            }
            Err(panic) => {
                self.end(Err(NodeError::Panicked(panic_text(&*panic))), ctx);
                None
            }
        }
    }

    /// The host's duty, in order: persist, timers, then what the gate lets through.
    fn carry_out(&mut self, mut step: Box<Step<A>>, ctx: &mut Context<Self>) {
        if let Some(tape) = &mut self.tape {
            tape.ordered(&step);
        }
        // A leader that steps down may name its successor in this very step: whoever works for it
        // must know before the successor does.
        if self.tenure.is_some() && !self.leads() {
            self.end_tenure();
        }
        if let Some(durable) = step.persist.take() {
            match self.store.save(step.number, durable) {
                Some(saved) => self.saved(saved, ctx),
                None => self.flush_soon(ctx),
            }
        }
        if !step.timers.is_empty() && !self.is_replayed() {
            self.read_clock();
        }
        for order in step.timers.drain(..) {
            match order {
                TimerOrder::Set(timer, delay) => {
                    let runs = self.chance.draw(delay);
                    self.timers.set(timer, self.now.saturating_add(runs));
                }
                TimerOrder::Cancel(timer) => self.timers.cancel(timer),
            }
        }
        if self.ended {
            return;
        }
        if self.gate.waiting() >= MOST_WAITING {
            let lost = step.sends.drain(..).count();
            let lost = u64::try_from(lost).unwrap_or(u64::MAX);
            self.shared.undelivered.fetch_add(lost, Ordering::Relaxed);
        }
        if let Some(step) = self.gate.pass(step) {
            self.show(step);
        }
    }

    fn saved(&mut self, saved: Saved, ctx: &mut Context<Self>) {
        match saved {
            Ok(number) => self.gate.persisted(number),
            Err(error) => self.end(Err(NodeError::Storage(error)), ctx),
        }
    }

    /// Lets the store begin once the messages that were sent before are on their way: a candidate's
    /// requests do not wait for its own vote.
    fn flush_soon(&self, ctx: &mut Context<Self>) {
        let flush = yield_now().into_actor(self).map(|(), node, ctx| {
            if !node.ended
                && let Some(saved) = node.store.flush()
            {
                node.stored(saved, ctx);
            }
        });
        ctx.spawn(flush);
    }

    /// The store has saved, or failed to: lets the world see what waited for it.
    pub(super) fn stored(&mut self, saved: Saved, ctx: &mut Context<Self>) {
        self.saved(saved, ctx);
        while let Some(step) = self.gate.pop() {
            self.show(step);
        }
        self.take(None, ctx);
    }

    /// Lets the world see a step.
    pub(super) fn show(&mut self, mut step: Box<Step<A>>) {
        if let Some(tape) = &mut self.tape {
            tape.shown(&step);
        }
        for Outgoing { to, message } in step.sends.drain(..) {
            let sent = self.links.as_mut().map(|links| links.send(to, message));
            count(if sent == Some(Ok(())) {
                &self.shared.sent
            } else {
                &self.shared.undelivered
            });
        }
        if let Some(view) = step.view {
            self.published = view;
            self.shared.publish(view);
        }
        self.driver.recycle(step);
    }
}

/// Counts one more. Only the node itself counts, so that no other thread's count can be lost.
fn count(counter: &AtomicU64) {
    let known = counter.load(Ordering::Relaxed);
    counter.store(known.wrapping_add(1), Ordering::Relaxed);
}
