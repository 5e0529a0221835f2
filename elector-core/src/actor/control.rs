use std::{sync::Arc, time::Duration};

use actix::Recipient;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout, timeout_at},
};

use super::{
    error::{CommandError, NodeError, ShutdownError},
    leadership_state::LeadershipState,
    requests::Request,
    shared::Shared,
};
use crate::{Command, MembersReport, NodeId};

/// What a handle needs to reach its node. The type of the algorithm is not a part of this type.
#[derive(Clone, Debug)]
pub(super) struct Control {
    pub(super) shared: Arc<Shared>,
    pub(super) requests: Recipient<Request>,
    /// `true` if the node can grant leadership at all. The node cannot do so if the guarantee
    /// requires leases and the configuration has no leases.
    pub(super) can_grant: bool,
    /// How long to wait until an application drops a leadership that it holds in hand (from
    /// [`Elector::campaign`](super::Elector::campaign)), when that leadership is ended.
    pub(super) grace: Duration,
    /// How long a node that leaves waits for the next leader: four times the longest election
    /// timeout.
    pub(super) next_leader_timeout: Duration,
}

/// The additional time after a limit for operations that take nearly no time on a healthy machine:
/// to drop work, or to end a thread.
const EXTRA_TIMEOUT: Duration = Duration::from_millis(500);

impl Control {
    pub(super) fn send(&self, request: Request) {
        self.requests.do_send(request);
    }

    /// Lets the node take leadership again, if it has withdrawn: it took no leadership any more,
    /// because its work had failed too often.
    pub(super) fn rejoin(&self) {
        if self.shared.status.borrow().work.is_withdrawn {
            self.shared.update_work(|work| work.is_withdrawn = false);
            self.send(Request::Withdraw(false));
        }
    }

    /// Makes the node take no leadership from now on, because its work has failed too often.
    pub(super) fn withdraw(&self) {
        self.send(Request::Withdraw(true));
        self.shared.update_work(|work| work.is_withdrawn = true);
    }

    /// Passes a command to the algorithm, and waits until the algorithm has handled it.
    pub(super) async fn command(&self, command: Command) -> Result<(), CommandError> {
        let (answer, answered) = oneshot::channel();
        self.send(Request::Command(command, answer));
        let answer = answered.await;
        let end = self.shared.ended.borrow().clone();
        match (answer, end) {
            (_, Some(end)) => Err(CommandError::of_end(end)),
            (Ok(None), None) => Ok(()),
            (Ok(Some(reason)), None) => Err(CommandError::Refused(reason)),
            (Err(_), None) => Err(NodeError::ThreadEnded.into()),
        }
    }

    /// Returns what the node knows about the members; `None` if they are fixed.
    pub(super) async fn members_report(&self) -> Result<Option<MembersReport>, CommandError> {
        let (answer, answered) = oneshot::channel();
        self.send(Request::Members(answer));
        let answer = answered.await;
        let end = self.shared.ended.borrow().clone();
        match (answer, end) {
            (_, Some(end)) => Err(CommandError::of_end(end)),
            (Ok(report), None) => Ok(report),
            (Err(_), None) => Err(NodeError::ThreadEnded.into()),
        }
    }

    /// Asks the node's thread to answer, and waits for an answer.
    pub(super) async fn ping(&self) -> Result<(), CommandError> {
        let mut answers = self.shared.answers();
        if self.shared.ask() {
            self.send(Request::Answer);
        }
        let end = tokio::select! {
            biased;
            end = self.shared.end_of_node() => end,
            Ok(()) = answers.changed() => return Ok(()),
        };
        Err(CommandError::of_end(end))
    }

    /// Ends the work of the current leadership, and waits until the work has ended. After that,
    /// passes the command, which makes the node stop leading, to the algorithm.
    pub(super) async fn hand_over(&self, command: Command) -> Result<(), CommandError> {
        let leadership = self.end_work().await;
        let done = self.command(command).await;
        if let Some(leadership) = leadership {
            // The node may still lead, because the algorithm refused the command or because the
            // step-down takes time. A node that leads may run work, so this request makes the node
            // grant leadership again.
            self.send(Request::GrantAgain(leadership));
        }
        done
    }

    /// Asks the work to end, and waits until the work has ended, also work of an earlier leadership
    /// that ends late. The node goes on leading without work. Returns the current leadership.
    pub(super) async fn end_work(&self) -> Option<Arc<LeadershipState>> {
        let current = self.shared.current();
        if let Some(leadership) = &current {
            leadership.wind_down().await;
        }
        self.shared.work_ended(current.as_ref(), self.grace).await;
        current
    }

    /// Ends the work, steps down and stops, in about `limit`. If the node's own id `me` is given,
    /// this method also waits after the step-down until another node leads, and returns that node.
    pub(super) async fn close(
        &self,
        limit: Duration,
        me: Option<NodeId>,
    ) -> Result<Option<NodeId>, ShutdownError> {
        let until = Instant::now().checked_add(limit);
        // If the sum overflows, this limit of 2^32 s is used: it is longer than any process runs.
        let until = until.unwrap_or_else(|| Instant::now() + Duration::from_secs(u32::MAX.into()));
        let work = self.end_work_until(until, limit).await;
        let mut next = None;
        // If the work could not be dropped and still runs, the node must not step down in favour of
        // another node: the work of both nodes would run at the same time.
        if !matches!(work, Err(ShutdownError::WorkAbandoned(_))) {
            let resigned = timeout_at(with_extra_time(until), self.command(Command::Resign)).await;
            if let Some(me) = me {
                // A node that did not lead need not wait for another leader.
                let wait = if matches!(resigned, Ok(Ok(()))) {
                    until.min(Instant::now() + self.next_leader_timeout)
                } else {
                    Instant::now()
                };
                next = self.other_leader(me, wait).await;
            }
        }
        self.send(Request::Stop);
        let end = timeout_at(with_extra_time(until), self.shared.end_of_node()).await;
        end.map_err(|_| ShutdownError::NotStopped(limit))??;
        // Between the step-down and the stop, the node may have been elected again, and new work
        // may have begun.
        self.shared.abort_work();
        let late = timeout(EXTRA_TIMEOUT, self.shared.work_ended(None, Duration::ZERO)).await;
        late.map_err(|_| ShutdownError::WorkAbandoned(limit))?;
        work.map(|()| next)
    }

    async fn end_work_until(&self, until: Instant, limit: Duration) -> Result<(), ShutdownError> {
        if timeout_at(until, self.end_work()).await.is_ok() {
            return Ok(());
        }
        self.shared.abort_work();
        let dropped = timeout(EXTRA_TIMEOUT, self.end_work()).await;
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

/// Returns a time [`EXTRA_TIMEOUT`] after `limit`, or after now if `limit` has passed.
fn with_extra_time(limit: Instant) -> Instant {
    limit.max(Instant::now()) + EXTRA_TIMEOUT
}
