mod connection;
mod memory;
mod metrics;
mod stop;

use std::{
    io, mem,
    os::fd::{AsFd, OwnedFd},
};

use elector_core::{Moment, actor::now};
use rustix::process::Pid;

use super::{
    CommandEnd, EndReason, Exit, Options, RunError, StartParameters, Stdin,
    channel::{self, ToGuardian, ToNode},
    shim::Go,
};
use connection::GuardianProcess;
pub use connection::GuardianSockets;
use memory::MemoryRisk;
use metrics::CleanExits;
pub use metrics::Metrics;

/// The node's side of a command that runs on the leader. A `CommandHandle` sends requests to the
/// guardian, which starts and stops the command, and receives the end of the command from the
/// guardian. A node has one `CommandHandle` for all of its life.
///
/// If this value is dropped, the guardian kills the command at once. [`shutdown`](Self::shutdown)
/// gives the command its grace, which is the time from SIGTERM to SIGKILL.
///
/// No method blocks. All futures may be cancelled, and the method may be called again.
#[derive(Debug)]
pub struct CommandHandle {
    guardian: GuardianProcess,
    options: Options,
    metrics: Metrics,
    clean_exits: CleanExits,
    /// The number of the last start of the command: the starts are numbered from 1.
    run: u64,
    ready: Option<ReadyShim>,
    running: Option<Running>,
    last_end: Option<CommandEnd>,
}

/// The shim: the process that waits for the message to become the command.
#[derive(Debug)]
struct ReadyShim {
    pid: Pid,
    channel: OwnedFd,
}

#[derive(Debug)]
struct Running {
    /// The first process of the command, which leads the process group.
    first: Pid,
    deadline: Option<Moment>,
    killed_by_node: bool,
}

impl CommandHandle {
    /// Starts a guardian (the process that supervises the command), and waits until the guardian
    /// can start the command. From then on, if the guardian is killed, this process becomes the
    /// parent of the processes that the guardian leaves behind (`PR_SET_CHILD_SUBREAPER`).
    ///
    /// # Errors
    /// If the options break a rule, there is no such command, or the guardian cannot be started.
    pub async fn spawn(options: &Options) -> Result<Self, RunError> {
        options.validate()?;
        let guardian = GuardianProcess::start(options).map_err(RunError::Spawn)?;
        let mut handle = Self {
            guardian,
            options: options.clone(),
            metrics: Metrics::default(),
            clean_exits: CleanExits::default(),
            run: 0,
            ready: None,
            running: None,
            last_end: None,
        };
        handle.ready().await?;
        Ok(handle)
    }

    /// Waits until the command can be started. By then its last run has ended.
    ///
    /// # Errors
    /// If the guardian has failed.
    pub async fn ready(&mut self) -> Result<(), RunError> {
        while self.ready.is_none() {
            self.receive().await?;
        }
        Ok(())
    }

    /// Starts the command.
    ///
    /// # Errors
    /// If the command is not [`ready`](Self::ready), or the guardian (the process that supervises
    /// the command) has failed. A command that cannot be executed is no error here:
    /// [`exited`](Self::exited) returns that failure.
    pub fn start(&mut self, parameters: &StartParameters) -> Result<(), RunError> {
        let shim = match self.running {
            None => self.ready.take(),
            Some(_) => None,
        };
        let Some(ReadyShim { pid, channel }) = shim else {
            return Err(RunError::NotReady);
        };
        self.run += 1;
        // The message to the guardian, the process that supervises the command, is sent first, so
        // that the guardian knows of every command. The message to the shim, which becomes the
        // command, is sent directly and not through the guardian, because waking the guardian first
        // would take time.
        self.guardian.send(&ToGuardian::Start {
            run: self.run,
            pid: pid.as_raw_pid(),
            deadline: parameters.deadline,
        })?;
        self.last_end = None;
        self.running = Some(Running {
            first: pid,
            deadline: parameters.deadline,
            killed_by_node: false,
        });
        self.metrics.starts.inc();
        self.metrics.running.set(1);
        // The guardian, the process that supervises the command, sends SIGTERM when only `needed`
        // is left before the end of the lease. A command that starts after that time would be
        // stopped at once, so it is not started.
        let needed = self.options.loss_grace + self.options.margin;
        let go = Go {
            environment: parameters.environment(self.options.node),
            start_before: parameters.deadline.map(|end| end.saturating_sub(needed)),
        };
        let stdin = io::stdin();
        let stdin = (self.options.stdin == Stdin::Inherit).then(|| stdin.as_fd());
        // An error does not matter: if the shim (the process that becomes the command) was killed,
        // the guardian reports the end of the command.
        let _ = channel::send(channel, &go, stdin);
        Ok(())
    }

    /// Moves the end of the lease to `deadline`, if that is later than the end that the guardian
    /// knows. This method is cheap, and has no effect if no command runs.
    pub fn prolong(&mut self, deadline: Moment) {
        let run = self.run;
        if let Some(running) = &mut self.running {
            running.deadline = running.deadline.map(|known| known.max(deadline));
            // Errors do not matter. If the guardian (the process that supervises the command) has
            // exited, the next `receive` notices it. If the guardian does not read, it stops the
            // command at the earlier deadline that it knows.
            let _ = self.guardian.send(&ToGuardian::Prolong {
                run,
                deadline,
                sent: now(),
            });
        }
    }

    /// Waits until the command has ended, and returns its end. If no command runs, this method
    /// returns the end of the last run. A command has ended when all its processes have ended, also
    /// those that its first process has left behind.
    ///
    /// # Errors
    /// If the guardian has failed. In this case the command has ended, too.
    pub async fn exited(&mut self) -> Result<CommandEnd, RunError> {
        loop {
            if let Some(end) = self.last_end {
                return Ok(end);
            }
            self.receive().await?;
        }
    }

    /// Returns what the node counts about the command.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Returns the process id of the guardian, the process that supervises the command.
    #[must_use]
    pub fn guardian_pid(&self) -> u32 {
        self.guardian.pid.as_raw_pid().unsigned_abs()
    }

    /// Returns a future that is ready when the guardian has exited. Any task may wait for the
    /// future while another task uses this value. After the end of the guardian, a node that does
    /// not lead should stop before it is elected, because it could not run its command.
    ///
    /// # Errors
    /// If the guardian has exited already, or cannot be watched.
    pub fn guardian_exited(&self) -> Result<impl Future<Output = ()> + Send + use<>, RunError> {
        self.guardian.exited()
    }

    /// Returns a handle that makes the guardian (the process that supervises the command) keep
    /// sockets open until the command is dead.
    #[must_use]
    pub fn guardian_sockets(&self) -> GuardianSockets {
        self.guardian.guardian_sockets()
    }

    /// Records that the command exited by itself with code 0 and will be started again. Returns
    /// `true` if the command has exited too often for a command that is expected to run as long as
    /// the node leads.
    pub(super) fn record_clean_exit(&mut self, end: &CommandEnd) -> bool {
        self.clean_exits.record(end.ended_at)
    }

    /// Handles the guardian's messages while no command runs, and returns when the guardian has
    /// failed.
    pub(super) async fn guardian_failed(&mut self) -> RunError {
        loop {
            if let Err(error) = self.receive().await {
                return error;
            }
        }
    }

    /// Measures the memory of the command that runs under a lease. Returns `None` if the margin,
    /// which is the time from SIGKILL to the end of the lease, is long enough to free this memory,
    /// or if no command runs under a lease.
    pub(super) fn memory_risk(&self) -> Option<MemoryRisk> {
        let running = self.running.as_ref()?;
        running.deadline?;
        MemoryRisk::of(running.first, self.options.margin)
    }

    /// Waits for one message from the guardian, and handles it.
    async fn receive(&mut self) -> Result<(), RunError> {
        match self.guardian.receive().await? {
            Some((ToNode::Ready { pid }, channel)) => {
                let ready = Pid::from_raw(pid).zip(channel);
                let ready = ready.map(|(pid, channel)| ReadyShim { pid, channel });
                // If an earlier shim (a process that waits to become the command) was ready,
                // another process has killed it. The guardian may reap it now.
                if let Some(before) = mem::replace(&mut self.ready, ready) {
                    self.release(before.pid);
                }
            }
            Some((ToNode::Ended { run, end }, _)) if run == self.run => {
                self.run_ended(Some(&end));
                self.last_end = Some(end);
            }
            // The guardian reports only the end of the last run, so this arm is never used.
            Some((ToNode::Ended { .. }, _)) => {}
            Some((ToNode::Failed(error), _)) => {
                self.clean_up_after_guardian().await;
                return Err(RunError::GuardianFailed(error));
            }
            None => return Err(self.clean_up_after_guardian().await),
        }
        Ok(())
    }

    fn run_ended(&mut self, end: Option<&CommandEnd>) {
        let Some(running) = self.running.take() else {
            return;
        };
        self.release(running.first);
        self.metrics.running.set(0);
        let killed_by_node = running.killed_by_node;
        if killed_by_node || end.is_some_and(|end| end.sigkill_at.is_some()) {
            self.metrics.kills.inc();
        }
        let by_itself = end.filter(|end| end.reason == EndReason::Exited && !killed_by_node);
        if by_itself.is_some_and(|end| end.exit != Exit::Code(0)) {
            self.metrics.failures.inc();
        }
    }

    /// Lets the guardian reap the process `pid`, which has ended or will end soon: the node sends
    /// no more signals to it.
    fn release(&self, pid: Pid) {
        let pid = pid.as_raw_pid();
        // If the guardian does not get this message, it reaps the process when the command is
        // started again.
        let _ = self.guardian.send(&ToGuardian::ReleasePid { pid });
    }
}
