use std::{io, os::fd::OwnedFd};

use elector_core::{Moment, actor::now};

use super::{
    Ended, Exit, Why,
    duty::{Act, Duty, Terms},
    family::Family,
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
    pub(super) fn new(run: u64, duty: Duty, shim: Shim) -> Self {
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
            Some(Act::Kill) => self.family.kill(),
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
        let exit = self.family.exit().unwrap_or(Exit::TooLate);
        Ended {
            exit: shim::failure(&self.line).unwrap_or(exit),
            why: self.duty.why().unwrap_or(Why::Itself),
            asked: self.duty.asked().map(Moment::from_nanos),
            killed: self.duty.killed().map(Moment::from_nanos),
            over: Moment::from_nanos(now),
        }
    }
}

/// The duty of a run that begins now, unless it would have to be ended at once.
pub(super) fn duty(terms: Terms, deadline: Option<Moment>) -> Option<Duty> {
    let duty = Duty::new(terms, deadline.map(Moment::nanos));
    let too_late = duty.next().is_some_and(|ask| ask <= now().nanos());
    (!too_late).then_some(duty)
}

/// The end of a run that has not begun.
pub(super) fn not_begun(exit: Exit, why: Why) -> Ended {
    Ended {
        exit,
        why,
        asked: None,
        killed: None,
        over: now(),
    }
}
