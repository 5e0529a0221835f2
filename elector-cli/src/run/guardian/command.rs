use std::{io, os::fd::OwnedFd};

use elector_core::{Moment, actor::now};

use super::{
    priority::{BEST_NICE, ORDINARY_NICE, set_session_nice},
    process_tree::ProcessTree,
    schedule::{Action, StopSchedule},
};
use crate::run::{
    CommandEnd, EndReason, Exit,
    shim::{self, Shim},
};

/// One run of the command: from its start to the end of its last process.
#[derive(Debug)]
pub(super) struct RunningCommand {
    /// The number that the node has given to this run.
    pub(super) run: u64,
    pub(super) schedule: StopSchedule,
    pub(super) processes: ProcessTree,
    /// The guardian's end of the channel to the shim, the process that waited and has become the
    /// command.
    channel: OwnedFd,
}

impl RunningCommand {
    pub(super) fn new(run: u64, shim: Shim, schedule: StopSchedule) -> Self {
        Self {
            run,
            schedule,
            processes: ProcessTree::new(shim.pid, shim.pidfd),
            channel: shim.channel,
        }
    }

    /// Sends the signals that are due now. Returns the end of the command when none of its
    /// processes is left.
    pub(super) fn update(&mut self) -> io::Result<Option<CommandEnd>> {
        let has_ended = self.processes.update()?;
        let now = now();
        if has_ended {
            return Ok(Some(self.end(now)));
        }
        if self.processes.exit().is_some() {
            self.schedule.stop(EndReason::Exited, now);
        }
        match self.schedule.next_action(now) {
            Some(Action::Terminate) => self.processes.terminate(),
            Some(Action::Kill) => {
                // The session of the guardian and the command gets the highest priority only with
                // SIGKILL: from then on, no process of the command does useful work with this
                // priority.
                set_session_nice(BEST_NICE);
                self.processes.kill();
            }
            // SIGTERM or SIGKILL was sent before. These calls also send the same signal to
            // processes that have become orphans since then: their parents have exited.
            None if self.schedule.sigkill_at().is_some() => self.processes.kill(),
            None if self.schedule.sigterm_at().is_some() => self.processes.terminate_orphans(),
            None => {}
        }
        Ok(None)
    }

    /// Makes the schedule stop the command for this reason. The next [`update`](Self::update) sends
    /// the signals.
    pub(super) fn stop(&mut self, reason: EndReason) {
        self.schedule.stop(reason, now());
    }

    fn end(&self, now: Moment) -> CommandEnd {
        if self.schedule.sigkill_at().is_some() {
            set_session_nice(ORDINARY_NICE);
        }
        let failure = shim::failure(&self.channel);
        let exit = failure.or(self.processes.exit());
        let reason = match failure {
            Some(Exit::TooLate) => EndReason::Deadline,
            _ => EndReason::Exited,
        };
        CommandEnd {
            // The first process has ended, so `exit` is never `None`.
            exit: exit.unwrap_or(Exit::Code(0)),
            reason: self.schedule.reason().unwrap_or(reason),
            sigterm_at: self.schedule.sigterm_at(),
            sigkill_at: self.schedule.sigkill_at(),
            ended_at: now,
        }
    }
}
