use std::sync::Arc;

use actix::{AsyncContext, Context};

use super::{Node, clock};
use crate::{
    ElectionAlgorithm, Epoch, Moment,
    actor::watchdog::{CHECKS, Watch},
};

/// The state of a node whose work of the leader hangs: the work has not checked in with its
/// [`Watchdog`](crate::actor::Watchdog) in time. The node grants no leadership until the work
/// checks in again, or drops its watchdog.
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
    /// Checks whether the work has checked in, and schedules the next check, until the watchdog has
    /// been dropped and nothing is left to do. `missed` is how many checks in a row have found so
    /// far that the work had not checked in. The node counts checks instead of time: in a time in
    /// which this thread did not run, the work may not have run either.
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
    /// take leadership again when the work checks in, or has dropped its watchdog. Returns `true`
    /// if nothing is left to do for the work with this watchdog.
    fn step_aside(&mut self, watch: &Arc<Watch>, is_live: bool, ctx: &mut Context<Self>) -> bool {
        let hung_work = self.hung_work.as_ref();
        let Some(hung_work) = hung_work.filter(|hung| Arc::ptr_eq(&hung.watch, watch)) else {
            return true;
        };
        // If the work is live again and the node leads a later epoch than the one in which the work
        // hung, the node keeps this later leadership. Otherwise a node that leads steps down.
        let led = self.process.published().epoch;
        if self.process.leads() && (!is_live || led == hung_work.epoch) {
            if clock::now() < hung_work.lease_end {
                return false;
            }
            self.reading_uses_left = 0;
            // If the algorithm refuses the command, the next check tries again.
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
