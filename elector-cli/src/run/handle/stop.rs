use std::{future::pending, time::Duration};

use elector_core::actor::now;
use rustix::process::{Signal, kill_process_group};
use tokio::time::{sleep, timeout};

use super::CommandHandle;
use crate::run::{CommandEnd, EndReason, RunError, channel::ToGuardian, children};

/// How late the guardian may report the end of the command before the node assumes that the
/// guardian hangs, and kills it.
const GUARDIAN_TIMEOUT: Duration = Duration::from_secs(1);

/// The ways in which the node ends the command: leadership is given up or lost, or the guardian
/// fails.
impl CommandHandle {
    /// Requests the end of the command from the guardian, and does not wait for this end. If
    /// leadership is [given up](EndReason::GivenUp), the command has all of its grace (the time
    /// from SIGTERM to SIGKILL), for as long as the lease is prolonged. If leadership was
    /// [lost](EndReason::Lost), the command has the rest of the lease or, without a lease, the loss
    /// grace. This method has no effect if no command runs.
    pub fn request_end(&self, reason: EndReason) {
        if self.running.is_some() {
            // Errors do not matter. If the guardian has exited, the next `receive` notices it. If
            // the guardian does not read, it stops the command at the deadline that it knows, or
            // `lose` kills the command.
            let run = self.run;
            let _ = self.guardian.send(&ToGuardian::Stop { run, reason });
        }
    }

    /// Stops the command because leadership is given up, with all of its grace (the time from
    /// SIGTERM to SIGKILL), and waits for its end. During this wait the caller must
    /// [prolong](Self::prolong) the lease, as [`supervise`](crate::run::supervise) does.
    ///
    /// # Errors
    /// If the guardian has failed. In this case the command has ended, too.
    pub async fn stop(&mut self) -> Result<CommandEnd, RunError> {
        self.request_end(EndReason::GivenUp);
        self.exited().await
    }

    /// Stops the command, if it runs, and then the guardian.
    ///
    /// # Errors
    /// If the guardian has failed.
    pub async fn shutdown(mut self) -> Result<(), RunError> {
        if self.running.is_some() {
            self.stop().await?;
        }
        // If the guardian has farewells (proofs of this node's death) to write to peers, it waits
        // for the end of this process before it exits. But this process waits for the exit of the
        // guardian in `close`, so both would wait.
        let _ = self.guardian.send(&ToGuardian::DiscardFarewells);
        let status = self.guardian.close().await?;
        if status.success() {
            Ok(())
        } else {
            Err(RunError::GuardianExited(status))
        }
    }

    /// Stops the command because leadership was lost, and waits for its end. The margin is the
    /// planned time from SIGKILL to the end of the lease. If the guardian does not stop the command
    /// until half of the margin is left before the end of the lease, the node kills the process
    /// group itself. If the guardian still does not report the end, the node kills the guardian,
    /// too.
    ///
    /// # Errors
    /// If the guardian has failed. In this case the command has ended, too.
    pub async fn lose(&mut self) -> Result<CommandEnd, RunError> {
        self.request_end(EndReason::Lost);
        let limit = self.time_for_guardian();
        if let Ok(end) = timeout(limit, self.exited()).await {
            return end;
        }
        self.kill_group();
        if let Ok(end) = timeout(GUARDIAN_TIMEOUT, self.exited()).await {
            return end;
        }
        Err(self.clean_up_after_guardian().await)
    }

    /// Returns a future that is ready when only half of the margin (the planned time from SIGKILL
    /// to the end of the lease) is left before the lease ends, and the guardian has not stopped the
    /// command. Without a lease, or if no command runs, the future is never ready.
    pub(in crate::run) fn guardian_overdue(&self) -> impl Future<Output = ()> + use<> {
        let running = self.running.as_ref();
        let deadline = running.and_then(|running| running.deadline);
        let left = deadline.map(|_| self.time_for_guardian());
        async move {
            match left {
                Some(left) => sleep(left).await,
                None => pending().await,
            }
        }
    }

    /// Returns how long, from now on, the node waits for the guardian to stop the command: until
    /// half of the margin is left or, without a lease, for the loss grace and the margin. The loss
    /// grace is the time from SIGTERM to SIGKILL, and the margin is the planned time from SIGKILL
    /// to the end of the lease.
    fn time_for_guardian(&self) -> Duration {
        let deadline = self.running.as_ref().and_then(|running| running.deadline);
        match deadline {
            Some(deadline) => {
                let last = deadline.saturating_sub(self.options.margin / 2);
                last.saturating_since(now())
            }
            None => self.options.loss_grace + self.options.margin,
        }
    }

    /// Kills the guardian, which has failed, and all processes that the command has left.
    pub(super) async fn clean_up_after_guardian(&mut self) -> RunError {
        // The guardian may still be alive, and may only have closed its end of the channel.
        let _ = self.guardian.child.start_kill();
        self.kill_group();
        let status = match self.guardian.child.wait().await {
            Ok(status) => status,
            Err(error) => return RunError::Channel(error),
        };
        // The guardian has ended, so this process is now the parent of the processes that are left.
        // The call of `kill_adopted` below reaps these processes.
        self.kill_group();
        self.run_ended(None);
        let session = self.guardian.pid;
        let cleared = timeout(GUARDIAN_TIMEOUT, async {
            while children::kill_adopted(session, self.options.own_children.as_deref())? {
                sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        });
        match cleared.await {
            Ok(Err(error)) => RunError::Channel(error),
            // If the timeout has passed, a process that was killed still hangs in the kernel. It
            // ends when it returns from the kernel.
            Ok(Ok(())) | Err(_) => RunError::GuardianExited(status),
        }
    }

    /// Kills the process group of the command that runs.
    ///
    /// While the command runs, no other group can have the id of this group. The guardian reaps the
    /// first process of the command only after [`release`](Self::release). After the end of the
    /// guardian, the first process is a child of this process, which reaps it only when no command
    /// runs any more.
    fn kill_group(&mut self) {
        if let Some(running) = &mut self.running {
            running.killed_by_node = true;
            let _ = kill_process_group(running.first, Signal::KILL);
        }
    }
}
