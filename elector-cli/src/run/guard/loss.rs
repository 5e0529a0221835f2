use std::{future::pending, time::Duration};

use elector_core::actor::now;
use rustix::process::{Signal, kill_process_group};
use tokio::time::{sleep, timeout};

use super::Guard;
use crate::run::{Ended, RunError, Why, guardian::processes};

/// How long a guardian may be late before it is taken for one that hangs.
const HANGS: Duration = Duration::from_secs(1);

/// What becomes of the command when its leadership is lost, or its guardian does not do its duty.
impl Guard {
    /// Stops the command, for leadership was lost, and waits for its end, which comes before the
    /// lease ends. If the guardian does not see to that, this does: it kills the group itself, and
    /// then the guardian.
    ///
    /// # Errors
    /// If the guardian has failed; then the command has ended, too.
    pub async fn lose(&mut self) -> Result<Ended, RunError> {
        self.ask_to_end(Why::Lost);
        let limit = self.lost_by();
        if let Ok(ended) = timeout(limit, self.exited()).await {
            return ended;
        }
        self.kill_group();
        if let Ok(ended) = timeout(HANGS, self.exited()).await {
            return ended;
        }
        Err(self.bereaved().await)
    }

    /// Returns when the guardian has not done what it must before the lease ends, and half of the
    /// margin is left. Waits for ever if there is no lease, or nothing runs.
    pub(in crate::run) fn overdue(&self) -> impl Future<Output = ()> + use<> {
        let running = self.running.as_ref();
        let deadline = running.and_then(|running| running.deadline);
        let left = deadline.map(|_| self.lost_by());
        async move {
            match left {
                Some(left) => sleep(left).await,
                None => pending().await,
            }
        }
    }

    /// How long to wait, from now on, for the guardian to do what it must before the lease ends.
    fn lost_by(&self) -> Duration {
        let deadline = self.running.as_ref().and_then(|running| running.deadline);
        let nanos = match deadline {
            Some(deadline) => {
                let half_of_margin = self.terms.margin / 2;
                let last = deadline.nanos().saturating_sub(half_of_margin);
                last.saturating_sub(now().nanos())
            }
            None => self.terms.loss_grace.saturating_add(self.terms.margin),
        };
        Duration::from_nanos(nanos)
    }

    /// The guardian is gone, or must go: sees to it that nothing of the command is left.
    pub(super) async fn bereaved(&mut self) -> RunError {
        // It may only have closed its end of the line.
        let _ = self.guardian.start_kill();
        self.kill_group();
        let status = match self.guardian.wait().await {
            Ok(status) => status,
            Err(error) => return RunError::Talk(error),
        };
        // What is left of it has this process for a parent now, which collects it below.
        self.kill_group();
        self.run_over(None);
        let cleared = timeout(HANGS, async {
            while processes::kill_adopted(self.session, self.own_children.as_deref())? {
                sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        });
        match cleared.await {
            Ok(Err(error)) => RunError::Talk(error),
            // What hangs in the kernel longer than that has been killed, and will be gone.
            Ok(Ok(())) | Err(_) => RunError::GuardianDied(status),
        }
    }

    /// Kills the group of the command that runs. Its id is in use: the guardian collects the first
    /// process only after [`let_go`](Self::let_go), and if the guardian is gone, that process is a
    /// child of this one, which collects it only when nothing runs any more.
    fn kill_group(&mut self) {
        if let Some(running) = &mut self.running {
            running.killed = true;
            let _ = kill_process_group(running.first, Signal::KILL);
        }
    }
}
