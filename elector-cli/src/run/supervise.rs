use std::{future::Future, time::Duration};

use clap::ValueEnum;
use elector_core::{
    Epoch, FencingToken, Guarantee, Moment,
    actor::{Leadership, LeadershipLost, now},
};
use serde::Deserialize;
use tokio::time::{Instant, interval_at, sleep};

use super::{Backoff, Ended, Exit, Guard, RunError, Tenure, Why};

/// A leadership that a command runs under, as far as its supervisor must know: a [`Leadership`].
pub trait Held: Sync {
    /// The epoch of this tenure.
    fn epoch(&self) -> Epoch;

    /// The fencing token of the next start of the command, higher than those of all starts before;
    /// `None` under best-effort algorithms.
    ///
    /// # Errors
    /// If the leadership is over. It ends if its epoch has no token left.
    fn next_token(&self) -> Result<Option<FencingToken>, LeadershipLost>;

    /// When the lease ends, as known now; `None` without a lease.
    fn deadline(&self) -> Option<Moment>;

    /// Waits until the deadline is later than `known`, and gives it; `None` when the leadership is
    /// over. Without a lease it waits for that. Must be safe to cancel, as all of these.
    fn prolonged(&self, known: Moment) -> impl Future<Output = Option<Moment>> + Send;

    /// Returns when the leadership is to be given up, and the node leads on until its work has
    /// ended; or when it is over.
    fn ending(&self) -> impl Future<Output = ()> + Send;

    /// Returns when the leadership is over.
    fn lost(&self) -> impl Future<Output = ()> + Send;
}

impl<G: Guarantee> Held for Leadership<G> {
    fn epoch(&self) -> Epoch {
        self.epoch()
    }

    fn next_token(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        self.next_grant()
    }

    fn deadline(&self) -> Option<Moment> {
        self.deadline()
    }

    async fn prolonged(&self, known: Moment) -> Option<Moment> {
        self.prolonged(known).await.ok()
    }

    async fn ending(&self) {
        self.ending().await;
    }

    async fn lost(&self) {
        self.lost().await;
    }
}

/// What to do when the command ends by itself while the node leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ExitPolicy {
    /// Give the leadership back; the command is started again when this node leads again.
    #[default]
    Resign,
    /// Start it again on this node.
    Restart,
    /// Shut the node down, and exit with the command's code.
    Stop,
    /// Lead on without the command, whatever its code was; it is started again in the next tenure.
    Wait,
}

/// How the work of one tenure ended. The command has ended in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The leadership is over, or was to be given up: with the command's end, if it ran.
    Over(Option<Ended>),
    /// The command ended by itself, and the leadership is to be given back.
    Resign(Ended),
    /// The command ended by itself, and the node is to be shut down. The exit code of its process
    /// is [`Exit::code`](super::Exit::code).
    Stop(Ended),
}

/// Runs the command for one tenure: starts it, tells its guardian each time that the lease is
/// prolonged, stops it when the leadership is to end or was lost, and follows the policy when it
/// ends by itself. Meant to be the work given to [`lead`](elector_core::actor::Elector::lead), in
/// the form that gives it `grace` to finish; if it returns [`Outcome::Resign`], the work ends with
/// `Ok`.
///
/// Under [`ExitPolicy::Wait`] nothing runs after the end of the command, and the work goes on until
/// the leadership is to end.
///
/// After an end of the command by itself there is a pause of the `backoff`, which is to live as
/// long as the node. A command that was killed at the end of its lease starts again without a pause
/// when the lease is prolonged.
///
/// While nothing polls it, the guardian hears of no longer lease, and stops the command. The node
/// would lead on without it: drive this under [`Leadership::watched`], with the lease as its limit.
///
/// If this is dropped, the command is stopped as when leadership is [lost](Why::Lost), and the next
/// call waits for its end.
///
/// # Errors
/// If the guardian failed. Then the command has ended, and the node must not go on: shut it down,
/// and exit with the [code](RunError::exit_code) of the error.
pub async fn supervise<H: Held>(
    held: &H,
    guard: &mut Guard,
    policy: ExitPolicy,
    backoff: &mut Backoff,
) -> Result<Outcome, RunError> {
    let mut warned = false;
    let mut starts = 0_u64;
    loop {
        let ready = until_ending(held, guard.ready()).await;
        let Some(ready) = ready else {
            return Ok(Outcome::Over(None));
        };
        ready?;
        let Ok(token) = held.next_token() else {
            return Ok(Outcome::Over(None));
        };
        let began = now();
        guard.start(&Tenure {
            epoch: held.epoch(),
            token,
            deadline: held.deadline(),
        })?;
        starts += 1;
        if starts > 1 {
            guard.metrics().restarts.inc();
        }
        let mut told = held.deadline().unwrap_or(Moment::ZERO);
        let ended = tend(held, guard, &mut told, &mut warned).await?;
        log_end(held, guard, &ended, told);
        match ended.why {
            Why::Itself if policy == ExitPolicy::Stop => return Ok(Outcome::Stop(ended)),
            Why::Itself if policy == ExitPolicy::Wait => return wait(held, guard, ended).await,
            Why::Itself => warn_of_clean_end(guard, &ended),
            // The lease is at fault, not the command: it starts again when the lease is prolonged,
            // without a pause. No other node has to be elected for that.
            Why::Deadline => match until_ending(held, held.prolonged(told)).await {
                Some(Some(_)) => continue,
                _ => return Ok(Outcome::Over(Some(ended))),
            },
            _ => return Ok(Outcome::Over(Some(ended))),
        }
        let ran = ended.over.nanos().saturating_sub(began.nanos());
        let pause = backoff.next(Duration::from_nanos(ran));
        if until_ending(held, sleep(pause)).await.is_none() {
            return Ok(Outcome::Over(Some(ended)));
        }
        if policy == ExitPolicy::Resign {
            return Ok(Outcome::Resign(ended));
        }
    }
}

/// `told` is the deadline that the guardian went by.
fn log_end<H: Held>(held: &H, guard: &Guard, ended: &Ended, told: Moment) {
    // What the lease was in the end.
    let lease = held.deadline();
    tracing::info!(
        epoch = held.epoch().0,
        %ended,
        asked_ns = ended.asked.map(Moment::nanos),
        killed_ns = ended.killed.map(Moment::nanos),
        over_ns = ended.over.nanos(),
        told_ns = lease.map(|_| told.nanos()),
        deadline_ns = lease.map(Moment::nanos),
        "command ended"
    );
    if let Some(late) = lease.and_then(|lease| late(ended, lease)) {
        guard.metrics().late_ends.inc();
        tracing::error!(
            epoch = held.epoch().0,
            ?late,
            "the command was dead only after the end of its lease, and the command of the next \
             leader may have run: raise --margin-ms, or look what kept the machine busy"
        );
    }
}

/// The command has ended by itself, and the node leads on without it.
async fn wait<H: Held>(held: &H, guard: &mut Guard, ended: Ended) -> Result<Outcome, RunError> {
    let epoch = held.epoch().0;
    if ended.exit == Exit::Code(0) {
        tracing::info!(
            epoch,
            "the node leads on, and starts the command in its next tenure"
        );
    } else {
        tracing::warn!(
            epoch, %ended,
            "the command has failed. The node leads on, and starts it in its next tenure: for \
             another try, make this node step down, or choose another --on-exit"
        );
    }
    tokio::select! {
        biased;
        () = held.ending() => Ok(Outcome::Over(Some(ended))),
        error = guard.failed() => Err(error),
    }
}

/// The command has ended by itself, and will be started again, here or by the next leader.
fn warn_of_clean_end(guard: &mut Guard, ended: &Ended) {
    if ended.exit == Exit::Code(0) && guard.ends_too_often(ended) {
        tracing::warn!(
            "the command has ended with code 0 for the third time within a minute, and is started \
             again each time. It is expected to run for as long as the node leads: for work that \
             ends, use --on-exit wait, and see docs/operate.md#work-that-ends"
        );
    }
}

/// By how much the end was after the end of the lease. As a lease is prolonged only while it holds,
/// the last known deadline is the true one.
fn late(ended: &Ended, lease: Moment) -> Option<Duration> {
    let late = ended.over.nanos().checked_sub(lease.nanos());
    late.filter(|&late| late > 0).map(Duration::from_nanos)
}

/// Its processes were killed by the node, for the lease was about to end. Its guardian saw them
/// end, and did not know of that.
fn of_deadline(ended: Ended) -> Ended {
    let why = match ended.why {
        Why::Itself => Why::Deadline,
        why => why,
    };
    Ended { why, ..ended }
}

/// How long a command runs before its size is looked at, and how long it is until the next look.
const FIRST_LOOK: Duration = Duration::from_secs(1);
const NEXT_LOOK: Duration = Duration::from_secs(10);

/// Stays with the command until it has ended. `told` is the deadline that its guardian knows, and
/// `warned` whether this tenure was warned of the size of the command.
async fn tend<H: Held>(
    held: &H,
    guard: &mut Guard,
    told: &mut Moment,
    warned: &mut bool,
) -> Result<Ended, RunError> {
    let tending = Tending(guard);
    let guard = &mut *tending.0;
    let mut asked = false;
    let mut looks = interval_at(Instant::now() + FIRST_LOOK, NEXT_LOOK);
    loop {
        let overdue = guard.overdue();
        tokio::select! {
            biased;
            ended = guard.exited() => return ended,
            () = held.lost() => return guard.lose().await,
            // It was stopped, or gets no processor: then the node does it, with what is left.
            () = overdue => return guard.lose().await.map(of_deadline),
            () = held.ending(), if !asked => {
                asked = true;
                guard.ask_to_end(Why::Returned);
            }
            deadline = held.prolonged(*told) => match deadline {
                Some(deadline) => {
                    *told = deadline;
                    guard.prolong(deadline);
                }
                None => return guard.lose().await,
            },
            _ = looks.tick(), if !*warned => *warned = warn_of_size(guard),
        }
    }
}

/// Whether there was reason to.
fn warn_of_size(guard: &Guard) -> bool {
    let Some(large) = guard.too_large() else {
        return false;
    };
    tracing::warn!(
        resident_mib = large.resident_mib,
        needed = ?large.needed,
        margin = ?large.margin,
        "the command has so much memory that it may be dead only after the end of its lease, \
         because the kernel frees the memory first: raise --margin-ms to what is needed, and the \
         lease if there is no room for it"
    );
    true
}

/// Does this for as long as the leadership is not to end.
async fn until_ending<H: Held, F: Future>(held: &H, future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = held.ending() => None,
        output = future => Some(output),
    }
}

/// Stops the command when nobody stays with it.
struct Tending<'a>(&'a mut Guard);

impl Drop for Tending<'_> {
    fn drop(&mut self) {
        self.0.ask_to_end(Why::Lost);
    }
}
