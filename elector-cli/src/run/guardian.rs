use std::{
    ffi::OsString,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::ExitCode,
};

use elector_core::Moment;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{getpid, set_child_subreaper, setsid},
};

use super::{
    Ended, Exit, Why,
    alarm::Alarm,
    duty::{Duty, Terms},
    family, process,
    shim::Shim,
    ward::{self, Ward},
    wire::{self, Environment, Order, Report},
};
use crate::output;

/// What the guardian does: `command` is what it guards.
pub(super) fn main(command: Vec<OsString>) -> ExitCode {
    let stdin = io::stdin();
    let node = stdin.as_fd();
    let done = Guardian::begin(command, node).and_then(Guardian::serve);
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    // The kernel kills the command with this process. Whether the node hears why or not, it hears
    // of the end.
    let _ = wire::send(node, &Report::Failed(error.to_string()), None);
    output::warn(&format!(
        "elector: the guardian of the command failed: {error}\n"
    ));
    ExitCode::FAILURE
}

/// Starts and stops a command as its node says, and stops it when its node says nothing.
///
/// It waits for nothing but the next event, and never writes where a write could block while
/// processes of the command live.
struct Guardian<'a> {
    /// The line to the node, until that is gone.
    node: Option<BorrowedFd<'a>>,
    alarm: Alarm,
    command: Vec<OsString>,
    terms: Terms,
    /// What commands read.
    stdin: Option<OwnedFd>,
    shim: Option<Shim>,
    ward: Option<Ward>,
    /// Sockets of the node that are not to break before the command is dead.
    kept: Vec<OwnedFd>,
}

/// What an event comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Node,
    Shim,
    Kept(usize),
    /// The alarm, or a process of the command: whatever it is, it is looked after next.
    Ward,
}

impl<'a> Guardian<'a> {
    /// Cuts this process loose from whatever could end it before its duty is done.
    fn begin(command: Vec<OsString>, node: BorrowedFd<'a>) -> io::Result<Self> {
        process::rename("elector-guard");
        setsid()?;
        process::become_deaf()?;
        set_child_subreaper(Some(getpid()))?;
        family::children().map_err(|error| {
            let what = "cannot read /proc/self/task/*/children (CONFIG_PROC_CHILDREN)";
            io::Error::new(error.kind(), format!("{what}: {error}"))
        })?;
        let Some((Order::Begin(terms), stdin)) = wire::receive(node)? else {
            return Err(io::Error::other("no node has started it"));
        };
        Ok(Self {
            node: Some(node),
            alarm: Alarm::new()?,
            command,
            terms,
            stdin,
            shim: None,
            ward: None,
            kept: Vec::new(),
        })
    }

    fn serve(mut self) -> io::Result<()> {
        self.prepare()?;
        loop {
            let ended = self.ward.as_mut().map(Ward::tend);
            if let Some(ended) = ended.transpose()?.flatten() {
                self.run_ended(ended)?;
            }
            if self.node.is_none() && self.ward.is_none() {
                // Only now do the sockets that were kept break.
                return Ok(());
            }
            let next = self.ward.as_ref().and_then(|ward| ward.duty.next());
            self.alarm.set(next)?;
            match self.wait() {
                Ok(sources) => self.take(&sources)?,
                // A child has ended: it is looked after next.
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Puts a process in place for the next run.
    fn prepare(&mut self) -> io::Result<()> {
        // If it fails, so does the run, unless it succeeds then.
        self.shim = Shim::prepare(&self.command).ok();
        self.tell(&Report::Ready)
    }

    fn run_ended(&mut self, ended: Ended) -> io::Result<()> {
        let Some(Ward { run, .. }) = self.ward.take() else {
            return Ok(());
        };
        if self.node.is_none() {
            let exit = ended.exit;
            output::warn(&format!("elector: the node is gone; the command {exit}\n"));
            return Ok(());
        }
        self.tell(&Report::Ended { run, ended })?;
        self.prepare()
    }

    /// Waits for the next events.
    fn wait(&self) -> Result<Vec<Source>, Errno> {
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let broken = |fd| PollFd::from_borrowed_fd(fd, PollFlags::RDHUP);
        let mut events = vec![readable(self.alarm.as_fd())];
        let mut sources = vec![Source::Ward];
        if let Some(node) = self.node {
            events.push(readable(node));
            sources.push(Source::Node);
        }
        if let Some(shim) = &self.shim {
            events.push(readable(shim.handle.as_fd()));
            sources.push(Source::Shim);
        }
        for (place, kept) in self.kept.iter().enumerate() {
            events.push(broken(kept.as_fd()));
            sources.push(Source::Kept(place));
        }
        for process in self.ward.iter().flat_map(|ward| ward.family.handles()) {
            events.push(readable(process));
            sources.push(Source::Ward);
        }
        poll(&mut events, None)?;
        let happened = events.iter().zip(sources);
        let happened = happened.filter(|(event, _)| !event.revents().is_empty());
        Ok(happened.map(|(_, source)| source).collect())
    }

    fn take(&mut self, sources: &[Source]) -> io::Result<()> {
        let mut place = 0;
        self.kept.retain(|_| {
            place += 1;
            !sources.contains(&Source::Kept(place - 1))
        });
        if sources.contains(&Source::Shim)
            && let Some(shim) = self.shim.take()
        {
            // Somebody has killed it: another is made when it is needed.
            family::collect(shim.pid);
        }
        match self.node {
            Some(node) if sources.contains(&Source::Node) => self.hear(node),
            _ => Ok(()),
        }
    }

    fn hear(&mut self, node: BorrowedFd<'a>) -> io::Result<()> {
        let Some((order, file)) = wire::receive(node)? else {
            self.node = None;
            if let Some(ward) = &mut self.ward {
                ward.stop(Why::NodeGone);
            }
            return Ok(());
        };
        match (order, &mut self.ward) {
            (Order::Start(start), None) => {
                return self.start(start.run, &start.environment, start.deadline);
            }
            (Order::Prolong { run, deadline }, Some(ward)) if ward.run == run => {
                ward.duty.prolong(deadline.nanos());
            }
            (Order::Stop { run, why }, Some(ward)) if ward.run == run => ward.stop(why),
            (Order::Keep, _) => self.kept.extend(file),
            // Of a run that has ended meanwhile.
            (Order::Prolong { .. } | Order::Stop { .. }, _) => {}
            (Order::Start(_) | Order::Begin(_), _) => {
                return Err(io::Error::other("an order that makes no sense now"));
            }
        }
        Ok(())
    }

    fn start(
        &mut self,
        run: u64,
        environment: &Environment,
        deadline: Option<Moment>,
    ) -> io::Result<()> {
        let begun = match ward::duty(self.terms, deadline) {
            Some(duty) => self.begin_run(run, duty, environment).map_err(|error| {
                let number = error.raw_os_error().unwrap_or(0);
                ward::not_begun(Exit::NotStarted(number), Why::Itself)
            }),
            None => Err(ward::not_begun(Exit::TooLate, Why::Deadline)),
        };
        match begun {
            Ok(pid) => self.tell(&Report::Began { run, pid }),
            Err(ended) => {
                self.tell(&Report::Ended { run, ended })?;
                self.tell(&Report::Ready)
            }
        }
    }

    fn begin_run(&mut self, run: u64, duty: Duty, environment: &Environment) -> io::Result<i32> {
        let stdin = self.stdin.as_ref();
        let mut shim = self.shim.take();
        if let Some(dead) = shim.take_if(|shim| shim.go(environment, stdin).is_err()) {
            // Somebody has just killed it.
            family::collect(dead.pid);
        }
        let shim = match shim {
            Some(shim) => shim,
            None => {
                let shim = Shim::prepare(&self.command)?;
                shim.go(environment, stdin)?;
                shim
            }
        };
        let pid = shim.pid.as_raw_nonzero().get();
        self.ward = Some(Ward::new(run, duty, shim));
        Ok(pid)
    }

    /// A node that does not read is as good as gone, and hears of the end of its guardian.
    fn tell(&self, report: &Report) -> io::Result<()> {
        let Some(node) = self.node else {
            return Ok(());
        };
        match wire::send(node, report, None) {
            // It is gone; that is heard of in its place.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told,
        }
    }
}
