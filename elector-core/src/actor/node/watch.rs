use std::sync::Arc;

use actix::{AsyncContext, Context};

use super::{Node, clock};
use crate::{
    ElectionAlgorithm, Epoch,
    actor::watchdog::{LOOKS, Watch},
};

/// The work of the leader has not checked in: the node grants no leadership until it does.
#[derive(Debug)]
pub(in crate::actor) struct Deserted {
    by: Arc<Watch>,
    /// What the node led then, if it did.
    epoch: Epoch,
    /// When the lease ends that the work was told of last, in nanoseconds. It may act until then,
    /// so no other node is invited to lead before.
    until: u64,
}

/// Leadership whose work hangs.
impl<A: ElectionAlgorithm> Node<A> {
    /// Looks at the work, again and again until the watch is over. `missed` looks in a row have not
    /// seen it. Looks are counted, and not time: while this thread did not run, the work may not
    /// have run, either.
    pub(super) fn watch(&mut self, watch: Arc<Watch>, missed: u8, ctx: &mut Context<Self>) {
        if self.stopping(ctx) {
            return;
        }
        let over = watch.is_over();
        let goes_on = watch.has_checked_in() || over;
        let missed = if goes_on { 0 } else { missed.saturating_add(1) };
        if missed >= LOOKS && self.deserted.is_none() {
            self.desert(&watch);
        }
        let settled = self.step_aside(&watch, goes_on, ctx);
        if !over || !settled {
            ctx.run_later(watch.interval(), move |node, ctx| {
                node.watch(watch, missed, ctx);
            });
        }
    }

    /// Ends the leadership, if there is one.
    fn desert(&mut self, watch: &Arc<Watch>) {
        let tenure = self.tenure.as_ref();
        let lease = tenure.and_then(|tenure| tenure.deadline());
        self.deserted = Some(Deserted {
            by: Arc::clone(watch),
            epoch: self.process.published().epoch,
            until: lease.unwrap_or(0),
        });
        self.end_tenure();
        tracing::error!(
            node = self.process.driver().members().me().0, limit = ?watch.limit(),
            "the work of the leader has not checked in within the limit, so this node gives \
             leadership up, and takes none until the work goes on: look what the work waits for"
        );
    }

    /// Steps down as soon as the lease of the leadership that was deserted has ended, and lets the
    /// node take another one when the work goes on. Whether nothing is left to do for this watch.
    fn step_aside(&mut self, by: &Arc<Watch>, goes_on: bool, ctx: &mut Context<Self>) -> bool {
        let deserted = self.deserted.as_ref();
        let Some(deserted) = deserted.filter(|deserted| Arc::ptr_eq(&deserted.by, by)) else {
            return true;
        };
        // By the time that the work goes on, the node may have been elected anew.
        let led = self.process.published().epoch;
        if self.process.leads() && (!goes_on || led == deserted.epoch) {
            if clock::now().nanos() < deserted.until {
                return false;
            }
            self.reading_serves = 0;
            // If it is refused, the next look tries again.
            self.pass_on(ctx);
        }
        if goes_on {
            self.deserted = None;
            self.reading_serves = 0;
            self.take(None, ctx);
        }
        goes_on
    }
}
