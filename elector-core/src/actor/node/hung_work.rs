use std::sync::Arc;

use actix::{AsyncContext, Context};

use super::{Node, clock};
use crate::{
    ElectionAlgorithm, Epoch, Moment,
    actor::watchdog::{CHECKS, Watch},
};

/// The work of the leader has not checked in. The node grants no leadership until the work checks
/// in again.
#[derive(Debug)]
pub(in crate::actor) struct HungWork {
    watch: Arc<Watch>,
    /// The epoch that the node had published when it found that the work hangs.
    epoch: Epoch,
    /// When the last lease of the hung work ends. The work may act until then, so the node does not
    /// step down in favour of another node before that.
    lease_end: Moment,
}

/// Ends a leadership whose work hangs.
impl<A: ElectionAlgorithm> Node<A> {
    /// Checks the work again and again until the watch is over. The work has missed `missed` checks
    /// in a row. The node counts checks and not time, because in a time in which this thread did
    /// not run, the work may not have run either.
    pub(super) fn watch(&mut self, watch: Arc<Watch>, missed: u8, ctx: &mut Context<Self>) {
        if self.stop_if_killed(ctx) {
            return;
        }
        let over = watch.is_over();
        let is_live = watch.has_checked_in() || over;
        let missed = if is_live { 0 } else { missed.saturating_add(1) };
        if missed >= CHECKS && self.hung_work.is_none() {
            self.abandon(&watch);
        }
        let settled = self.step_aside(&watch, is_live, ctx);
        if !over || !settled {
            ctx.run_later(watch.interval(), move |node, ctx| {
                node.watch(watch, missed, ctx);
            });
        }
    }

    /// Ends the leadership, if there is one, because its work hangs.
    fn abandon(&mut self, watch: &Arc<Watch>) {
        let leadership = self.leadership.as_ref();
        let lease = leadership.and_then(|leadership| leadership.deadline());
        self.hung_work = Some(HungWork {
            watch: Arc::clone(watch),
            epoch: self.process.published().epoch,
            lease_end: lease.unwrap_or_default(),
        });
        self.end_leadership();
        tracing::error!(
            node = self.process.driver().members().me().0, limit = ?watch.limit(),
            "work of the leader missed its watchdog limit: this node gives up leadership until the \
             work checks in again; find out what the work waits for"
        );
    }

    /// Steps down as soon as the lease of the leadership whose work hangs has ended. Lets the node
    /// take leadership again when the work checks in. Returns `true` if nothing is left to do for
    /// this watch.
    fn step_aside(&mut self, watch: &Arc<Watch>, is_live: bool, ctx: &mut Context<Self>) -> bool {
        let hung_work = self.hung_work.as_ref();
        let Some(hung_work) = hung_work.filter(|hung| Arc::ptr_eq(&hung.watch, watch)) else {
            return true;
        };
        // The node may have been elected again, in a later epoch, before the work checked in.
        let led = self.process.published().epoch;
        if self.process.leads() && (!is_live || led == hung_work.epoch) {
            if clock::now() < hung_work.lease_end {
                return false;
            }
            self.reading_uses_left = 0;
            // If the command is refused, the next check tries again.
            self.hand_over(ctx);
        }
        if is_live {
            self.hung_work = None;
            self.reading_uses_left = 0;
            self.handle_input(None, ctx);
        }
        is_live
    }
}
