use std::{future::Future, time::Duration};

use clap::ValueEnum;
use elector_core::{Moment, actor::now};
use serde::Deserialize;
use tokio::time::{Instant, interval_at, sleep};

use super::{
    Backoff, CommandEnd, CommandHandle, CommandLeadership, EndReason, Exit, RunError,
    StartParameters,
};

/// What to do when the command ends by itself while the node leads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ExitPolicy {
    /// Give leadership up; the command starts again when this node leads again.
    #[default]
    Resign,
    /// Start the command again on this node.
    Restart,
    /// Shut the node down, and exit with the command's code.
    Stop,
    /// Lead without the command, after any exit code; the command starts again in the next tenure.
    Wait,
}

/// How the work of one tenure, which is the time in which the node leads one epoch, ended. No
/// process of the command is alive in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenureEnd {
    /// The leadership has ended, or must be given up. The value is the end of the command, if it
    /// ran.
    Over(Option<CommandEnd>),
    /// The command ended by itself, and the leadership must be given up.
    Resign(CommandEnd),
    /// The command ended by itself, and the node must be shut down with the exit code of
    /// [`Exit::code`].
    Stop(CommandEnd),
}

/// Runs the command for one tenure: starts it, reports each new end of the lease to the guardian
/// (the process that stops the command in time), and stops the command when the leadership is given
/// up or lost. When the command ends by itself, `policy` decides what follows.
///
/// This function is meant as the work for [`lead_with`](elector_core::actor::Elector::lead_with),
/// with the command's grace as the time to finish. After [`TenureEnd::Resign`] the work must return
/// `Ok`.
///
/// Under [`ExitPolicy::Wait`] no command runs after the end of the command, and this function waits
/// until the leadership must end.
///
/// Under [`ExitPolicy::Resign`] and [`ExitPolicy::Restart`], this function makes a pause after the
/// command has ended by itself. `backoff` gives the length of the pause, and must live as long as
/// the node. A command that was killed at the end of its lease starts again without a pause when
/// the lease is prolonged.
///
/// While this future is not polled, the guardian is not informed of a longer lease, and stops the
/// command. The node would then lead without the command. So poll the future under
/// [`Leadership::watched`](elector_core::actor::Leadership::watched), with the length of the lease
/// as the limit.
///
/// If this future is dropped, the guardian stops the command as if the leadership was
/// [lost](EndReason::Lost), and the next call of this function waits for the end of the command.
///
/// # Errors
/// If the guardian has failed. In this case the command has ended, and the node must not continue:
/// shut it down, and exit with the [code](RunError::exit_code) of the error.
pub async fn supervise<L: CommandLeadership>(
    leadership: &L,
    command: &mut CommandHandle,
    policy: ExitPolicy,
    backoff: &mut Backoff,
) -> Result<TenureEnd, RunError> {
    let mut supervisor = Supervisor {
        leadership,
        command,
        known_deadline: Moment::ZERO,
        has_warned_of_memory: false,
    };
    supervisor.run(policy, backoff).await
}

/// How long the command runs before its memory is measured for the first time.
const FIRST_MEASUREMENT: Duration = Duration::from_secs(1);
/// The time between two measurements of the memory of the command.
const MEASUREMENT_PERIOD: Duration = Duration::from_secs(10);

/// The state of [`supervise`] during one tenure, which is the time in which the node leads one
/// epoch.
struct Supervisor<'a, L> {
    leadership: &'a L,
    command: &'a mut CommandHandle,
    /// The end of the lease that was last sent to the guardian, which stops the command before this
    /// time.
    known_deadline: Moment,
    has_warned_of_memory: bool,
}

impl<L: CommandLeadership> Supervisor<'_, L> {
    async fn run(
        &mut self,
        policy: ExitPolicy,
        backoff: &mut Backoff,
    ) -> Result<TenureEnd, RunError> {
        let leadership = self.leadership;
        let mut is_first = true;
        loop {
            let Some(ready) = until_ending(leadership, self.command.ready()).await else {
                return Ok(TenureEnd::Over(None));
            };
            ready?;
            let Ok(token) = leadership.next_token() else {
                return Ok(TenureEnd::Over(None));
            };
            let start = now();
            let deadline = leadership.deadline();
            self.command.start(&StartParameters {
                epoch: leadership.epoch(),
                token,
                deadline,
            })?;
            self.known_deadline = deadline.unwrap_or(Moment::ZERO);
            if !is_first {
                self.command.metrics().restarts.inc();
            }
            is_first = false;
            let end = self.wait_for_end().await?;
            self.log_end(&end);
            match end.reason {
                EndReason::Exited if policy == ExitPolicy::Stop => return Ok(TenureEnd::Stop(end)),
                EndReason::Exited if policy == ExitPolicy::Wait => return self.idle(end).await,
                EndReason::Exited => self.warn_of_clean_exits(&end),
                // The command was stopped because the lease was not prolonged in time, and not
                // because the command failed. So the command starts again without a pause when the
                // lease is prolonged. This node still leads then, so no election is needed.
                EndReason::Deadline => {
                    let prolonged = leadership.prolonged(self.known_deadline);
                    match until_ending(leadership, prolonged).await {
                        Some(Some(_)) => continue,
                        _ => return Ok(TenureEnd::Over(Some(end))),
                    }
                }
                _ => return Ok(TenureEnd::Over(Some(end))),
            }
            let pause = backoff.next(end.ended_at.saturating_since(start));
            if until_ending(leadership, sleep(pause)).await.is_none() {
                return Ok(TenureEnd::Over(Some(end)));
            }
            if policy == ExitPolicy::Resign {
                return Ok(TenureEnd::Resign(end));
            }
        }
    }

    /// Waits for the end of the command that was started. Until then, this method reports each new
    /// end of the lease to the guardian, and stops the command when the leadership is given up or
    /// lost.
    async fn wait_for_end(&mut self) -> Result<CommandEnd, RunError> {
        let leadership = self.leadership;
        let mut is_ending = false;
        let start = Instant::now() + FIRST_MEASUREMENT;
        let mut measurements = interval_at(start, MEASUREMENT_PERIOD);
        loop {
            let overdue = self.command.guardian_overdue();
            tokio::select! {
                biased;
                end = self.command.exited() => return end,
                () = leadership.lost() => return self.command.lose().await,
                // The guardian has not stopped the command in time, because it is stopped or gets
                // no processor. The node stops the command in the rest of the margin, which ends
                // with the lease.
                () = overdue => {
                    let mut end = self.command.lose().await?;
                    // If the node has killed the command, the guardian saw a command that exited by
                    // itself. The true reason is the end of the lease.
                    if end.reason == EndReason::Exited {
                        end.reason = EndReason::Deadline;
                    }
                    return Ok(end);
                }
                () = leadership.ending(), if !is_ending => {
                    is_ending = true;
                    self.command.request_end(EndReason::GivenUp);
                }
                deadline = leadership.prolonged(self.known_deadline) => match deadline {
                    Some(deadline) => {
                        self.known_deadline = deadline;
                        self.command.prolong(deadline);
                    }
                    None => return self.command.lose().await,
                },
                _ = measurements.tick(), if !self.has_warned_of_memory => self.measure_memory(),
            }
        }
    }

    /// Leads without the command, which has ended by itself, until the leadership must end. Returns
    /// an error if the guardian fails.
    async fn idle(&mut self, end: CommandEnd) -> Result<TenureEnd, RunError> {
        let epoch = self.leadership.epoch().0;
        if end.exit == Exit::Code(0) {
            tracing::info!(
                epoch,
                "the node continues to lead, and starts the command in its next tenure"
            );
        } else {
            tracing::warn!(
                epoch,
                ended = %end,
                "command failed. The node continues to lead, and starts the command in its next \
                 tenure: to try again, make this node step down, or choose another --on-exit"
            );
        }
        tokio::select! {
            biased;
            () = self.leadership.ending() => Ok(TenureEnd::Over(Some(end))),
            error = self.command.guardian_failed() => Err(error),
        }
    }

    fn log_end(&self, end: &CommandEnd) {
        let epoch = self.leadership.epoch().0;
        // A lease is prolonged only before it ends. So the last deadline that the leadership knew
        // is the true end of the lease.
        let deadline = self.leadership.deadline();
        tracing::info!(
            epoch,
            ended = %end,
            asked_ns = end.sigterm_at.map(Moment::nanos),
            killed_ns = end.sigkill_at.map(Moment::nanos),
            over_ns = end.ended_at.nanos(),
            told_ns = deadline.map(|_| self.known_deadline.nanos()),
            deadline_ns = deadline.map(Moment::nanos),
            "command ended"
        );
        let late = deadline.map(|deadline| end.ended_at.saturating_since(deadline));
        if let Some(late) = late.filter(|late| !late.is_zero()) {
            self.command.metrics().late_ends.inc();
            tracing::error!(
                epoch,
                ?late,
                "command ended after its lease, and the command of the next leader may have run: \
                 raise --margin-ms, or find out what kept the machine busy"
            );
        }
    }

    /// Warns if the command ends with code 0 again and again. After each end, this node or the next
    /// leader starts the command again.
    fn warn_of_clean_exits(&mut self, end: &CommandEnd) {
        if end.exit == Exit::Code(0) && self.command.record_clean_exit(end) {
            tracing::warn!(
                "command exited with code 0 for the third time within a minute, and starts again \
                 each time. It is expected to run for as long as the node leads: for work that \
                 ends, use --on-exit wait, and see docs/operate.md#work-that-ends"
            );
        }
    }

    fn measure_memory(&mut self) {
        let Some(risk) = self.command.memory_risk() else {
            return;
        };
        self.has_warned_of_memory = true;
        tracing::warn!(
            resident_mib = risk.resident_mib,
            needed = ?risk.needed,
            margin = ?risk.margin,
            "command has so much memory that it may end after its lease, because the kernel \
             frees the memory first: raise --margin-ms to what is needed, and the lease if it is \
             too short for that"
        );
    }
}

impl<L> Drop for Supervisor<'_, L> {
    /// Stops the command if the future of [`supervise`] is dropped. This method has no effect if no
    /// command runs.
    fn drop(&mut self) {
        self.command.request_end(EndReason::Lost);
    }
}

/// Waits for `future`. Returns `None` if the leadership must end before `future` is ready.
async fn until_ending<L: CommandLeadership, F: Future>(
    leadership: &L,
    future: F,
) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = leadership.ending() => None,
        output = future => Some(output),
    }
}
