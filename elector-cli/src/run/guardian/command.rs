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

/// One run of the command.
#[derive(Debug)]
pub(super) struct RunningCommand {
    /// The number of this run.
    pub(super) run: u64,
    pub(super) schedule: StopSchedule,
    pub(super) processes: ProcessTree,
    /// The channel to the shim that has become the command.
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

    /// Does what is due. Returns the end of the command when no process is left.
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
                // The session gets the highest priority only now, because no process of the command
                // does useful work from now on.
                set_session_nice(BEST_NICE);
                self.processes.kill();
            }
            // These calls reach the processes that were adopted since the last signals.
            None if self.schedule.sigkill_at().is_some() => self.processes.kill(),
            None if self.schedule.sigterm_at().is_some() => self.processes.terminate_orphans(),
            None => {}
        }
        Ok(None)
    }

    /// Stops the command for this reason.
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
            // The first process has ended, so its exit is known.
            exit: exit.unwrap_or(Exit::Code(0)),
            reason: self.schedule.reason().unwrap_or(reason),
            sigterm_at: self.schedule.sigterm_at(),
            sigkill_at: self.schedule.sigkill_at(),
            ended_at: now,
        }
    }
}
