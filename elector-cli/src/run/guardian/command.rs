use std::{io, os::fd::OwnedFd};

use elector_core::{Moment, actor::now};

use super::{
    priority,
    processes::Family,
    schedule::{Act, Duty},
};
use crate::run::{
    Ended, Exit, Why,
    shim::{self, Shim},
};

/// One run of the command, as its guardian has it.
#[derive(Debug)]
pub(super) struct Ward {
    pub(super) run: u64,
    pub(super) duty: Duty,
    pub(super) family: Family,
    /// To the shim, while it was one.
    line: OwnedFd,
}

impl Ward {
    pub(super) fn new(run: u64, shim: Shim, duty: Duty) -> Self {
        let Shim { pid, handle, line } = shim;
        Self {
            run,
            duty,
            family: Family::of(pid, handle),
            line,
        }
    }

    /// Does what is due; the end of the command, if it has come.
    pub(super) fn tend(&mut self) -> io::Result<Option<Ended>> {
        let gone = self.family.look()?;
        let now = now().nanos();
        if gone {
            return Ok(Some(self.ended(now)));
        }
        if self.family.exit().is_some() {
            self.duty.stop(Why::Itself, now);
        }
        match self.duty.due(now) {
            Some(Act::Ask) => self.family.ask(),
            Some(Act::Kill) => {
                // Nothing of the command goes on working now.
                priority::hasten_session(true);
                self.family.kill();
            }
            // Those that have come into reach since.
            None if self.duty.killed().is_some() => self.family.kill(),
            None if self.duty.asked().is_some() => self.family.ask_orphans(),
            None => {}
        }
        Ok(None)
    }

    /// It is to end, for this reason.
    pub(super) fn stop(&mut self, why: Why) {
        self.duty.stop(why, now().nanos());
    }

    fn ended(&self, now: u64) -> Ended {
        if self.duty.killed().is_some() {
            priority::hasten_session(false);
        }
        let failure = shim::failure(&self.line);
        let exit = failure.or(self.family.exit());
        let why = match failure {
            Some(Exit::TooLate) => Why::Deadline,
            _ => Why::Itself,
        };
        Ended {
            // It has ended.
            exit: exit.unwrap_or(Exit::Code(0)),
            why: self.duty.why().unwrap_or(why),
            asked: self.duty.asked().map(Moment::from_nanos),
            killed: self.duty.killed().map(Moment::from_nanos),
            over: Moment::from_nanos(now),
        }
    }
}
