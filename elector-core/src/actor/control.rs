use std::{sync::Arc, time::Duration};

use actix::Recipient;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

use super::{
    error::{CommandError, NodeError, ShutdownError},
    messages::Order,
    shared::Shared,
    tenure::Tenure,
};
use crate::{Command, NodeId};

/// What handles hold of a node, whatever its algorithm.
#[derive(Clone, Debug)]
pub(super) struct Control {
    pub(super) shared: Arc<Shared>,
    pub(super) orders: Recipient<Order>,
    /// Whether a tenure of the node can ever be granted: not without leases where there must be
    /// some.
    pub(super) grants: bool,
    /// How long a guard in an application's hand is waited for.
    pub(super) grace: Duration,
    /// How long the next leader is waited for: the time of a few elections.
    pub(super) elections: Duration,
}

/// How much longer than a limit a node waits for what takes no time on a machine that is not stuck:
/// work is dropped, a thread ends.
const AT_ONCE: Duration = Duration::from_millis(500);

impl Control {
    pub(super) fn order(&self, order: Order) {
        self.orders.do_send(order);
    }

    /// Makes the node take leadership again, if it has withdrawn.
    pub(super) fn take_part(&self) {
        if self.shared.status.borrow().work.is_withdrawn {
            self.shared.tell_work(|work| work.is_withdrawn = false);
            self.order(Order::Withdraw(false));
        }
    }

    /// Makes the node take no leadership any more.
    pub(super) fn withdraw(&self) {
        self.order(Order::Withdraw(true));
        self.shared.tell_work(|work| work.is_withdrawn = true);
    }

    /// Gives the algorithm a command, and waits until it has taken it.
    pub(super) async fn command(&self, command: Command) -> Result<(), CommandError> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Command(command, answer));
        let answer = answered.await;
        let end = self.shared.ended.borrow().clone();
        match (answer, end) {
            (_, Some(Err(error))) => Err(error.into()),
            (_, Some(Ok(()))) => Err(CommandError::ShutDown),
            (Ok(None), None) => Ok(()),
            (Ok(Some(reason)), None) => Err(CommandError::Refused(reason)),
            (Err(_), None) => Err(NodeError::ThreadEnded.into()),
        }
    }

    /// Waits until the node's thread has answered.
    pub(super) async fn ping(&self) -> Result<(), CommandError> {
        let mut answers = self.shared.answers();
        if self.shared.ask() {
            self.order(Order::Answer);
        }
        let end = tokio::select! {
            biased;
            end = self.shared.end_of_node() => end,
            Ok(()) = answers.changed() => return Ok(()),
        };
        Err(end.map_or_else(Into::into, |()| CommandError::ShutDown))
    }

    /// Ends the work done under the present tenure, waits for its end, and only then gives the
    /// algorithm the command by which it stops leading.
    pub(super) async fn hand_over(&self, command: Command) -> Result<(), CommandError> {
        let tenure = self.end_work().await;
        let done = self.command(command).await;
        if let Some(tenure) = tenure {
            // Whether it was refused or is only slow to be done: while it leads, it is worked for.
            self.order(Order::GoOn(tenure));
        }
        done
    }

    /// Asks the work to end, and waits until it has, be it that of a tenure that is over already.
    /// The node leads on, and nobody works for it: gives the tenure of which that is so.
    pub(super) async fn end_work(&self) -> Option<Arc<Tenure>> {
        let tenure = self.shared.current();
        if let Some(tenure) = &tenure {
            tenure.wind_down().await;
        }
        self.shared.work_ended(tenure.as_ref(), self.grace).await;
        tenure
    }

    /// Ends the work, steps down and stops, in about `limit`. If told who this node is, it waits
    /// after stepping down for another leader, and names it.
    pub(super) async fn close(
        &self,
        limit: Duration,
        me: Option<NodeId>,
    ) -> Result<Option<NodeId>, ShutdownError> {
        let until = Instant::now().checked_add(limit);
        // Further away than any process runs.
        let until = until.unwrap_or_else(|| Instant::now() + Duration::from_secs(u32::MAX.into()));
        let work = self.end_work_until(until, limit).await;
        let mut next = None;
        // Under work that goes on, nobody else is invited to lead.
        if !matches!(work, Err(ShutdownError::WorkAbandoned(_))) {
            let resigned = timeout_at(later(until), self.command(Command::Resign)).await;
            if let Some(me) = me {
                // One that did not lead has nothing to wait for.
                let wait = if matches!(resigned, Ok(Ok(()))) {
                    until.min(Instant::now() + self.elections)
                } else {
                    Instant::now()
                };
                next = self.other_leader(me, wait).await;
            }
        }
        self.order(Order::Stop);
        match timeout_at(later(until), self.shared.end_of_node()).await {
            Ok(end) => end?,
            Err(_) => return Err(ShutdownError::NotStopped(limit)),
        }
        // It may have been elected again in between, and new work may have begun.
        self.shared.cut_short();
        let late = timeout(AT_ONCE, self.shared.work_ended(None, Duration::ZERO)).await;
        late.map_err(|_| ShutdownError::WorkAbandoned(limit))?;
        work.map(|()| next)
    }

    async fn end_work_until(&self, until: Instant, limit: Duration) -> Result<(), ShutdownError> {
        if timeout_at(until, self.end_work()).await.is_ok() {
            return Ok(());
        }
        self.shared.cut_short();
        let dropped = timeout(AT_ONCE, self.end_work()).await;
        Err(match dropped {
            Ok(_) => ShutdownError::WorkDropped(limit),
            Err(_) => ShutdownError::WorkAbandoned(limit),
        })
    }

    async fn other_leader(&self, me: NodeId, until: Instant) -> Option<NodeId> {
        let other = |leader: Option<NodeId>| leader.filter(|&leader| leader != me);
        let mut status = self.shared.status.subscribe();
        let known = status.wait_for(|status| other(status.leader).is_some());
        let known = timeout_at(until, known).await.ok()?.ok()?;
        other(known.leader)
    }
}

/// A bit later than this, and than now.
fn later(than: Instant) -> Instant {
    than.max(Instant::now()) + AT_ONCE
}
