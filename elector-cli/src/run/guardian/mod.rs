mod command;
mod lateness;
pub(super) mod priority;
pub(super) mod processes;
mod proof;
pub(super) mod schedule;
mod timer;

use std::{
    ffi::OsString,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    panic,
    process::ExitCode,
};

use elector_core::{Moment, actor::now};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Pid, getpid, set_child_subreaper, setsid},
};

use super::{
    Ended, Exit, Why,
    channel::{self, Order, Report},
    shim::Shim,
};
use crate::output;
use command::Ward;
use lateness::Lateness;
use priority::Before;
use processes::Family;
use proof::Proof;
use schedule::{Duty, Terms};
use timer::Alarm;

/// What the guardian does: `command` is what it guards.
pub(super) fn main(command: Vec<OsString>) -> ExitCode {
    // A message of a panic must not wait for a reader, either.
    panic::set_hook(Box::new(|panic| {
        output::warn(&format!("elector: {panic}\n"));
    }));
    let stdin = io::stdin();
    let node = stdin.as_fd();
    let done = Guardian::begin(command, node).and_then(Guardian::serve);
    let Err(error) = done else {
        return ExitCode::SUCCESS;
    };
    // The command is killed. Whether the node hears why or not, it hears of the end.
    let _ = channel::send(node, &Report::Failed(error.to_string()), None);
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
    lateness: Lateness,
    /// How the command is scheduled.
    before: Before,
    shim: Option<Shim>,
    ward: Option<Ward>,
    /// Processes that have ended, and that the node may signal yet.
    held: Vec<Pid>,
    /// Sockets of the node that are not to break before the command is dead.
    kept: Vec<OwnedFd>,
    proof: Proof,
    /// How the command ended, if it did so after its node.
    last: Option<Exit>,
}

/// What an event comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Node,
    Shim,
    Kept(usize),
    /// A connection of the node's.
    Spoken(usize),
    /// The process of the node.
    Process,
    /// The alarm, or a process of the command: whatever it is, it is looked after next.
    Ward,
}

impl<'a> Guardian<'a> {
    /// Cuts this process loose from whatever could end it before its duty is done.
    fn begin(command: Vec<OsString>, node: BorrowedFd<'a>) -> io::Result<Self> {
        priority::rename("elector-guard");
        setsid()?;
        priority::become_deaf()?;
        set_child_subreaper(Some(getpid()))?;
        processes::children().map_err(|error| {
            let what = "cannot read /proc/self/task/*/children (CONFIG_PROC_CHILDREN)";
            io::Error::new(error.kind(), format!("{what}: {error}"))
        })?;
        let Some((Order::Begin(terms), Some(process))) = channel::receive(node)? else {
            return Err(io::Error::other("no node has started it"));
        };
        Ok(Self {
            node: Some(node),
            alarm: Alarm::new()?,
            command,
            terms,
            lateness: Lateness::default(),
            before: priority::hasten()?,
            shim: None,
            ward: None,
            held: Vec::new(),
            kept: Vec::new(),
            proof: Proof::of(process),
            last: None,
        })
    }

    /// When it fails, it kills what it can reach of the command before anything else is done.
    fn serve(mut self) -> io::Result<()> {
        let served = self.guard();
        if served.is_ok() {
            self.part();
        } else if let Some(ward) = &self.ward {
            ward.family.kill();
        }
        served
    }

    /// Returns when node and command are gone.
    fn guard(&mut self) -> io::Result<()> {
        self.prepare()?;
        loop {
            let ended = self.ward.as_mut().map(Ward::tend);
            if let Some(ended) = ended.transpose()?.flatten() {
                self.run_ended(ended)?;
            }
            if self.node.is_none() && self.ward.is_none() {
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

    /// The node is gone, and the command is dead: peers may know, by a proof and by refused
    /// connections. Before anything that can take time.
    fn part(self) {
        self.proof.give();
        drop(self.kept);
        if let Some(exit) = self.last {
            output::warn(&format!("elector: the node is gone; the command {exit}\n"));
        }
    }

    /// Puts a process in place for the next run.
    fn prepare(&mut self) -> io::Result<()> {
        if self.node.is_some() {
            let shim = Shim::prepare(&self.command, self.before)?;
            let pid = shim.pid.as_raw_nonzero().get();
            self.tell(&Report::Ready { pid }, Some(shim.line.as_fd()))?;
            self.shim = Some(shim);
        }
        Ok(())
    }

    fn run_ended(&mut self, ended: Ended) -> io::Result<()> {
        let Some(ward) = self.ward.take() else {
            return Ok(());
        };
        let Ward {
            run, duty, family, ..
        } = ward;
        self.held.push(family.first());
        if let Some(late) = duty.late(ended.over.nanos()) {
            self.lateness.saw(late);
        }
        if self.node.is_none() {
            self.last = Some(ended.exit);
            return Ok(());
        }
        self.tell(&Report::Ended { run, ended }, None)?;
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
            events.push(readable(self.proof.node()));
            sources.push(Source::Process);
        }
        if let Some(shim) = &self.shim {
            events.push(readable(shim.handle.as_fd()));
            sources.push(Source::Shim);
        }
        for (place, kept) in self.kept.iter().enumerate() {
            events.push(broken(kept.as_fd()));
            sources.push(Source::Kept(place));
        }
        for (place, spoken) in self.proof.connections().enumerate() {
            events.push(broken(spoken));
            sources.push(Source::Spoken(place));
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
        self.proof
            .let_go(|place| sources.contains(&Source::Spoken(place)));
        let in_waiting = sources.contains(&Source::Shim);
        let is_dead = sources.contains(&Source::Process);
        if let Some(node) = self.node
            && (sources.contains(&Source::Node)
                || ((in_waiting || is_dead) && channel::has_come(node)?))
        {
            // If that process has become the command and ended already, this says so; and the last
            // word of a node that is dead may have been to start it.
            return self.hear(node);
        }
        if is_dead {
            // A child of the node's still has its end of the line.
            self.bereave();
        }
        match self.shim.take_if(|_| in_waiting) {
            Some(shim) => self.replace(&shim),
            None => Ok(()),
        }
    }

    /// The process in waiting has ended. If somebody has killed it, another takes its place.
    fn replace(&mut self, shim: &Shim) -> io::Result<()> {
        match Family::exit_of(&shim.handle)? {
            Some(Exit::Signal(_)) => {
                self.held.push(shim.pid);
                self.prepare()
            }
            // Nothing to be repeated: it cannot do what it must.
            _ => Err(io::Error::other(
                "the process that was to become the command ended",
            )),
        }
    }

    fn hear(&mut self, node: BorrowedFd<'a>) -> io::Result<()> {
        let Some((order, file)) = channel::receive(node)? else {
            self.bereave();
            return Ok(());
        };
        match (order, &mut self.ward) {
            (Order::Start { run, pid, deadline }, None) => return self.start(run, pid, deadline),
            (
                Order::Prolong {
                    run,
                    deadline,
                    sent,
                },
                Some(ward),
            ) if ward.run == run => {
                self.lateness
                    .saw(now().nanos().saturating_sub(sent.nanos()));
                let Terms {
                    margin,
                    most_margin,
                    ..
                } = self.terms;
                ward.duty.leave(self.lateness.margin(margin, most_margin));
                ward.duty.prolong(deadline.nanos());
            }
            (Order::Stop { run, why }, Some(ward)) if ward.run == run => ward.stop(why),
            (Order::LetGo { pid }, _) => self.collect(|held| held.as_raw_nonzero().get() == pid),
            (Order::Keep, _) => self.kept.extend(file),
            (Order::Entrust { farewell }, _) => {
                if let Some(connection) = file {
                    self.proof.entrust(connection, farewell);
                }
            }
            (Order::Dismiss, _) => self.proof.dismiss(),
            // Of a run that has ended meanwhile.
            (Order::Prolong { .. } | Order::Stop { .. }, _) => {}
            (Order::Start { .. } | Order::Begin(_), _) => {
                return Err(io::Error::other("an order that makes no sense now"));
            }
        }
        Ok(())
    }

    /// The node says nothing more.
    fn bereave(&mut self) {
        self.node = None;
        if let Some(ward) = &mut self.ward {
            ward.stop(Why::NodeGone);
        }
    }

    /// Collects those that have ended and of which the node has let go.
    fn collect(&mut self, is_let_go: impl Fn(Pid) -> bool) {
        self.held
            .retain(|&pid| !(is_let_go(pid) && processes::collect(pid)));
    }

    /// The process in waiting has been told to become the command.
    fn start(&mut self, run: u64, pid: i32, deadline: Option<Moment>) -> io::Result<()> {
        let told = |shim: &mut Shim| shim.pid.as_raw_nonzero().get() == pid;
        if let Some(shim) = self.shim.take_if(told) {
            let Terms {
                margin,
                most_margin,
                ..
            } = self.terms;
            // The node has this one in hand, and so no other.
            self.collect(|_| true);
            let mut duty = Duty::new(self.terms, deadline.map(Moment::nanos));
            duty.leave(self.lateness.margin(margin, most_margin));
            self.ward = Some(Ward::new(run, shim, duty));
            return Ok(());
        }
        // Somebody had killed it, and there is another in its place.
        let ended = Ended {
            exit: Exit::NotStarted(Errno::SRCH.raw_os_error()),
            why: Why::Itself,
            asked: None,
            killed: None,
            over: now(),
        };
        self.tell(&Report::Ended { run, ended }, None)
    }

    /// A node that does not read is as good as gone, and hears of the end of its guardian.
    fn tell(&self, report: &Report, file: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let Some(node) = self.node else {
            return Ok(());
        };
        match channel::send(node, report, file) {
            // It is gone; that is heard of in its place.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            told => told,
        }
    }
}
