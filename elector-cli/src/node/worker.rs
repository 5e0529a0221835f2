use std::{pin::pin, process::ExitCode, time::Duration};

use elector_core::{
    Guarantee,
    actor::{
        BoxError, Elector, FailurePolicy, Grace, LeadError, LeadOptions, Leadership, NodeHandle,
    },
};
use tokio::sync::{Mutex, SetOnce};

use crate::run::{self, Backoff, CommandHandle, ExitPolicy, TenureEnd};

/// Why the node must stop: its command has ended under `--on-exit stop`, or the guardian (the
/// process that stops the command before the lease ends) has failed.
struct StopReason {
    /// The exit code with which the process must end.
    exit_code: u8,
    message: String,
}

/// Runs the command in each tenure, which is the time in which the node leads one epoch. There is
/// one `Worker` for all tenures.
pub(super) struct Worker {
    command: Mutex<(CommandHandle, Backoff)>,
    policy: ExitPolicy,
    stop_reason: SetOnce<StopReason>,
    /// If the work, which is the future that runs the command, is not polled for this time, the
    /// node gives the leadership up. The command is dead by then: while the work is not polled, the
    /// guardian is not informed of a longer lease, so it stops the command.
    poll_timeout: Duration,
}

impl Worker {
    pub(super) fn new(command: CommandHandle, policy: ExitPolicy, poll_timeout: Duration) -> Self {
        Self {
            command: Mutex::new((command, Backoff::default())),
            policy,
            stop_reason: SetOnce::new(),
            poll_timeout,
        }
    }

    /// Takes part in elections, and runs the command whenever the node leads. Returns when the node
    /// has stopped, when the guardian (the process that stops the command) has exited, or when the
    /// end of the command must stop the node.
    pub(super) async fn lead<G: Guarantee>(
        &self,
        elector: &Elector<G>,
        grace: Grace,
        guardian_exited: impl Future<Output = ()>,
    ) -> Result<(), LeadError> {
        let options = LeadOptions {
            grace,
            // `work_watched` never returns an error, so a failure of the work is a bug in this
            // program.
            on_failure: FailurePolicy::withdraw_at_once(),
        };
        let lead = elector.lead_with(options, |leadership| self.work_watched(leadership));
        lead_until_stop(lead, guardian_exited, &self.command, &self.stop_reason).await
    }

    async fn work_watched<G: Guarantee>(&self, leadership: Leadership<G>) -> Result<(), BoxError> {
        let work = self.work(&leadership);
        leadership.watched(self.poll_timeout, work).await;
        Ok(())
    }

    /// Runs the command for one tenure, which is the time in which the node leads one epoch.
    async fn work<G: Guarantee>(&self, leadership: &Leadership<G>) {
        if self.stop_reason.get().is_some() {
            // The node is about to stop, so the command must not start again.
            return leadership.lost().await;
        }
        let mut command = self.command.lock().await;
        let (command, backoff) = &mut *command;
        let end = run::supervise(leadership, command, self.policy, backoff).await;
        match end {
            Ok(TenureEnd::Stop(end)) => {
                let message = "the command has ended, so the node stops";
                self.request_stop(end.exit.code(), &message);
            }
            Ok(_) => {}
            Err(error) => self.request_stop(error.exit_code(), &error),
        }
    }

    fn request_stop(&self, exit_code: u8, message: &dyn ToString) {
        let message = message.to_string();
        // If there is a reason already, `set` keeps it: only the first reason counts.
        let _ = self.stop_reason.set(StopReason { exit_code, message });
    }

    /// Stops the node and the guardian (the process that stops the command), and returns the exit
    /// code of this process.
    pub(super) async fn finish(
        self,
        result: Result<(), LeadError>,
        elector: &NodeHandle,
    ) -> ExitCode {
        let code = match &result {
            Ok(()) => ExitCode::SUCCESS,
            Err(LeadError::Node(_)) => ExitCode::from(run::NODE_FAILED),
            Err(error) => {
                let code = self.stop_reason.get().map(|reason| reason.exit_code);
                let code = code.unwrap_or(run::GUARDIAN_FAILED);
                if code == 0 {
                    tracing::info!(target: "elector", reason = %error, "node stops");
                } else {
                    tracing::error!(target: "elector", %error, "node stops");
                }
                ExitCode::from(code)
            }
        };
        // The program that this node supervised has ended. So the node has nothing to wait for when
        // it shuts down, and one second is enough.
        if let Err(error) = elector.leave(Duration::from_secs(1)).await {
            tracing::error!(target: "elector", %error, "node shutdown failed");
        }
        if let Err(error) = self.command.into_inner().0.shutdown().await {
            tracing::error!(target: "elector", %error, "guardian shutdown failed");
        }
        code
    }
}

/// Polls `lead`, which takes part in elections and runs the command, until the guardian (the
/// process that stops the command) has exited or `stop_reason` is set. Then this function returns
/// an error.
///
/// The work of a tenure holds the lock of `command`. If the guardian exits, the work notices this,
/// too, and waits until the command has ended. So this function waits for the lock before it
/// returns an error.
///
/// When the work sets `stop_reason`, the work ends as in any other tenure, and `lead` would wait
/// for the next tenure. So this function watches `stop_reason`.
async fn lead_until_stop<T>(
    lead: impl Future<Output = Result<(), LeadError>>,
    guardian_exited: impl Future<Output = ()>,
    command: &Mutex<T>,
    stop_reason: &SetOnce<StopReason>,
) -> Result<(), LeadError> {
    let mut lead = pin!(lead);
    tokio::select! {
        biased;
        result = &mut lead => return result,
        _ = stop_reason.wait() => {}
        () = guardian_exited => {}
    }
    tokio::select! {
        biased;
        result = &mut lead => return result,
        _ = command.lock() => {}
    }
    // If this function returned no error, the node could win another election, and could not run
    // its command.
    let message = stop_reason.get().map(|reason| reason.message.as_str());
    let message = message.unwrap_or("the guardian of the command has exited");
    Err(LeadError::Work(message.into()))
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        task::{Context, Waker},
    };

    use super::*;

    // During the pause between two starts of the command, the work holds the lock of the command
    // and does not check whether the guardian (the process that stops the command) runs. If the
    // leadership ends during this pause, the work has not noticed that the guardian has exited. The
    // node must still stop.
    #[tokio::test]
    async fn a_node_without_guardian_stops_even_if_its_work_did_not_notice() {
        let (command, stop_reason) = (Mutex::new(()), SetOnce::new());
        let working = command.lock().await;
        let lead = lead_until_stop(pending(), ready(()), &command, &stop_reason);
        let mut lead = pin!(lead);
        let mut context = Context::from_waker(Waker::noop());
        assert!(lead.as_mut().poll(&mut context).is_pending(), "work first");
        drop(working);
        let error = lead.await.unwrap_err().to_string();
        assert!(error.contains("guardian"), "{error}");
    }

    // Work that fails when the leadership is already lost does not end `lead`. Without a stop
    // reason, the node would continue without a guardian. After the next election it would lead
    // without a command.
    #[tokio::test]
    async fn a_stop_reason_stops_a_node_that_has_lost_its_leadership() {
        let (command, stop_reason) = (Mutex::new(()), SetOnce::new());
        let lead = lead_until_stop(pending(), pending(), &command, &stop_reason);
        let mut lead = pin!(lead);
        let mut context = Context::from_waker(Waker::noop());
        assert!(lead.as_mut().poll(&mut context).is_pending());
        let reason = StopReason {
            exit_code: 4,
            message: "it was killed".into(),
        };
        assert!(stop_reason.set(reason).is_ok());
        let error = lead.await.unwrap_err().to_string();
        assert!(error.contains("it was killed"), "{error}");
    }

    // If `lead` returns a result by itself, this result counts, and not the stop reason.
    #[tokio::test]
    async fn the_result_of_the_lead_comes_before_a_stop_reason() {
        let (command, stop_reason) = (Mutex::new(()), SetOnce::new());
        let reason = StopReason {
            exit_code: 0,
            message: String::new(),
        };
        assert!(stop_reason.set(reason).is_ok());
        let lead = lead_until_stop(ready(Ok(())), ready(()), &command, &stop_reason);
        assert!(lead.await.is_ok());
    }
}
