use std::{process, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    backoff::Backoff,
    error::LeadError,
    failure::{AfterRetries, FailurePolicy},
    handle::NodeHandle,
    work::Finish,
};
use crate::error_text;

/// The limit for [`NodeHandle::leave`] of a process that ends because its work has failed.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The exit code of a process that ends because its work has failed.
const EXIT_CODE: i32 = 1;

/// The failures of the work of one call of `lead`.
#[derive(Debug)]
pub(super) struct Retries {
    policy: FailurePolicy,
    backoff: Backoff,
}

impl Retries {
    pub(super) fn new(policy: FailurePolicy) -> Self {
        Self {
            policy,
            backoff: policy.backoff(),
        }
    }

    /// Handles a failure of work that ran for the time `ran`. Returns `Ok` after the pause, when
    /// the work must be tried again.
    ///
    /// # Errors
    /// The failure, if the policy allows no further try. The node has withdrawn then: it takes no
    /// leadership any more.
    pub(super) async fn handle_failure(
        &mut self,
        failure: LeadError,
        ran: Duration,
        handle: &NodeHandle,
        work: Finish,
    ) -> Result<(), LeadError> {
        let (node, control) = (handle.node_id(), handle.control());
        let pause = self.backoff.next(ran);
        let failures = self.backoff.failures();
        let text = Arc::from(error_text(&failure));
        control.shared.update_work(|work| {
            work.failures = work.failures.saturating_add(1);
            work.failure = Some(text);
        });
        if failures <= self.policy.retries {
            tracing::warn!(
                node = node.0, error = ?failure, failures, ?pause,
                "work failed: it is tried again after the pause"
            );
            // If the leadership is ending, the drop of `work` below gives it back, and the next try
            // needs a new leadership. Otherwise the next try gets another leadership of the same
            // epoch.
            if !work.0.state.is_ending() {
                work.0.restart();
            }
            drop(work);
            tokio::select! {
                () = sleep(pause) => {}
                // If the node has ended, the next iteration of `lead_with` reports this.
                _ = control.shared.end_of_node() => {}
            }
            return Ok(());
        }
        control.withdraw();
        drop(work);
        match self.policy.then {
            AfterRetries::Withdraw => tracing::error!(
                node = node.0, error = ?failure, failures,
                "work failed too often: this node takes no leadership until the process is \
                 restarted; fix the cause first"
            ),
            AfterRetries::ExitProcess => {
                tracing::error!(node = node.0, error = ?failure, failures, "this process ends");
                // The result does not matter, because the process ends in any case.
                let _ = handle.leave(LEAVE_TIMEOUT).await;
                process::exit(EXIT_CODE);
            }
        }
        Err(failure)
    }
}
