use std::{process, string::ToString, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    backoff::Backoff,
    error::LeadError,
    failure::{AfterRetries, FailurePolicy},
    handle::NodeHandle,
    work::Finish,
};
/// How long a process that ends because its work has failed waits for another leader.
const LEAVE: Duration = Duration::from_secs(5);

/// The exit code of such a process.
const FAILED: i32 = 1;

/// The failures of the work that one call of `lead` runs.
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

    /// Sees to work that has failed after it ran for this time. Returns when it is to be tried
    /// again.
    ///
    /// # Errors
    /// The failure, if it was the last one that the policy allows. Then the node has withdrawn.
    pub(super) async fn after(
        &mut self,
        failure: LeadError,
        ran: Duration,
        handle: &NodeHandle,
        work: Finish,
    ) -> Result<(), LeadError> {
        let (node, control) = (handle.node_id(), handle.control());
        let pause = self.backoff.next(ran);
        let failures = self.backoff.failures();
        let text = Arc::from(failure.to_string());
        control.shared.tell_work(|work| {
            work.failures = work.failures.saturating_add(1);
            work.failure = Some(text);
        });
        if failures <= self.policy.retries {
            tracing::warn!(
                node = node.0, error = %failure, failures, ?pause,
                "the work is tried again after the pause"
            );
            // If the leadership is to end, it ends, and this is over.
            if !work.0.tenure.is_ending() {
                work.0.begin_anew();
            }
            drop(work);
            tokio::select! {
                () = sleep(pause) => {}
                // The next try to lead says so.
                _ = control.shared.end_of_node() => {}
            }
            return Ok(());
        }
        control.withdraw();
        drop(work);
        match self.policy.then {
            AfterRetries::Withdraw => tracing::error!(
                node = node.0, error = %failure, failures,
                "this node takes no leadership any more: mend the cause, and restart the process"
            ),
            AfterRetries::ExitProcess => {
                tracing::error!(node = node.0, error = %failure, failures, "this process ends");
                // It ends in any case.
                let _ = handle.leave(LEAVE).await;
                process::exit(FAILED);
            }
        }
        Err(failure)
    }
}
