mod command;
mod events;
pub(super) mod priority;
mod process_tree;
mod schedule;
mod setup;
mod sockets;
mod timer;

use std::{
    ffi::OsString,
    io,
    os::fd::{AsFd, BorrowedFd},
    panic,
    process::ExitCode,
};

use elector_core::{Moment, actor::now};
use rustix::{io::Errno, process::Pid};

use super::{
    CommandEnd, EndReason, Exit,
    channel::{self, ToGuardian, ToNode},
    children,
    options::StopTiming,
    shim::Shim,
};
use crate::output;
use command::RunningCommand;
use events::Source;
use priority::SavedPriority;
use process_tree::exit_of;
use schedule::StopSchedule;
use sockets::NodeSockets;
use timer::{Lateness, Timer};

/// The main function of the guardian. The arguments are the command and its arguments.
pub(super) fn main(command_line: Vec<OsString>) -> ExitCode {
    // The usual hook for panics could wait for ever for the reader of standard error.
    // `output::warn` waits only for a short time.
    panic::set_hook(Box::new(|panic| {
        output::warn(&format!("elector: {panic}\n"));
    }));
    let stdin = io::stdin();
    let node = stdin.as_fd();
    let result = Guardian::new(command_line, node).and_then(Guardian::run);
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // The command has been killed. If the node does not get this message, it still notices that the
    // guardian exits.
    let _ = channel::send(node, &ToNode::Failed(error.to_string()), None);
    output::warn(&format!("elector: guardian failed: {error}\n"));
    ExitCode::FAILURE
}

/// Starts and stops the command as the node requests. If the node sends nothing, the guardian stops
/// the command before the lease ends.
///
/// The guardian waits only for the next event. While processes of the command are alive, it never
/// writes to a file or socket that could block.
struct Guardian<'a> {
    /// The channel to the node; `None` when the node has exited.
    node: Option<BorrowedFd<'a>>,
    timer: Timer,
    command_line: Vec<OsString>,
    timing: StopTiming,
    lateness: Lateness,
    /// The priority that the command gets: the guardian had it before it raised its own priority.
    priority: SavedPriority,
    /// The process that becomes the command at the next start.
    shim: Option<Shim>,
    command: Option<RunningCommand>,
    /// Processes that have ended. The guardian has not reaped them, because the node may still
    /// signal them: it has not released them with [`ToGuardian::ReleasePid`].
    unreleased: Vec<Pid>,
    sockets: NodeSockets,
    /// How the command ended, if it ended after the node had exited.
    last_exit: Option<Exit>,
}

impl<'a> Guardian<'a> {
    fn new(command_line: Vec<OsString>, node: BorrowedFd<'a>) -> io::Result<Self> {
        setup::detach()?;
        let Some((ToGuardian::Begin(timing), Some(process))) = channel::receive(node)? else {
            return Err(io::Error::other("only a node can start a guardian"));
        };
        Ok(Self {
            node: Some(node),
            timer: Timer::new()?,
            command_line,
            timing,
            lateness: Lateness::default(),
            priority: priority::raise_priority()?,
            shim: None,
            command: None,
            unreleased: Vec::new(),
            sockets: NodeSockets::new(process),
            last_exit: None,
        })
    }

    /// Runs until node and command have ended. After an error, this method kills the processes of
    /// the command that it can reach, and returns at once.
    fn run(mut self) -> io::Result<()> {
        let result = self.handle_events();
        if result.is_ok() {
            self.finish();
        } else if let Some(command) = &self.command {
            command.processes.kill();
        }
        result
    }

    /// Handles events until node and command have ended.
    fn handle_events(&mut self) -> io::Result<()> {
        self.start_shim()?;
        loop {
            let end = self.command.as_mut().map(RunningCommand::update);
            if let Some(end) = end.transpose()?.flatten() {
                self.command_ended(end)?;
            }
            if self.node.is_none() && self.command.is_none() {
                return Ok(());
            }
            let command = self.command.as_ref();
            let next = command.and_then(|command| command.schedule.next_time());
            self.timer.set(next)?;
            match self.wait() {
                Ok(sources) => self.handle(&sources)?,
                // A signal, for example SIGCHLD, has interrupted the wait. The loop updates the
                // command next.
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Informs the peers that node and command have ended: writes the farewells, which are messages
    /// that prove this, and closes the sockets. The farewells come before everything that can take
    /// time.
    fn finish(mut self) {
        self.sockets.write_farewells();
        // The peers elect a leader now. On this machine they need the processor more than this
        // process does.
        priority::yield_to_others(self.priority);
        drop(self.sockets);
        if let Some(exit) = self.last_exit {
            output::warn(&format!("elector: node exited; command {exit}\n"));
        }
    }

    /// Starts the process that becomes the command at the next start, and informs the node. Does
    /// nothing if the node has exited.
    fn start_shim(&mut self) -> io::Result<()> {
        if self.node.is_some() {
            let shim = Shim::start(&self.command_line, self.priority)?;
            let pid = shim.pid.as_raw_pid();
            self.send(&ToNode::Ready { pid }, Some(shim.channel.as_fd()))?;
            self.shim = Some(shim);
        }
        Ok(())
    }

    fn command_ended(&mut self, end: CommandEnd) -> io::Result<()> {
        let Some(command) = self.command.take() else {
            return Ok(());
        };
        self.unreleased.push(command.processes.first());
        if let Some(late) = command.schedule.kill_delay(end.ended_at) {
            self.lateness.record(late);
        }
        if self.node.is_none() {
            self.last_exit = Some(end.exit);
            return Ok(());
        }
        let run = command.run;
        self.send(&ToNode::Ended { run, end }, None)?;
        self.start_shim()
    }

    fn handle(&mut self, sources: &[Source]) -> io::Result<()> {
        self.sockets
            .drop_where(|position| sources.contains(&Source::Socket(position)));
        let shim_ended = sources.contains(&Source::Shim);
        let node_ended = sources.contains(&Source::NodeProcess);
        // A message is handled before the end of the shim (the process that becomes the command) or
        // of the node, for two reasons. The message may say that the shim has become the command,
        // and the command may have ended already. And the last message of a node that has ended may
        // start the command.
        if let Some(node) = self.node
            && (sources.contains(&Source::Node)
                || ((shim_ended || node_ended) && channel::is_readable(node)?))
        {
            return self.receive(node);
        }
        if node_ended {
            // The channel may still be open, because a child of the node has a copy of it. Without
            // this call, the guardian would wait for more messages.
            self.node_exited();
        }
        match self.shim.take_if(|_| shim_ended) {
            Some(shim) => self.replace_shim(&shim),
            None => Ok(()),
        }
    }

    /// Starts another shim (a process that waits to become the command) if another process has
    /// killed `shim`. Returns an error if `shim` exited by itself.
    fn replace_shim(&mut self, shim: &Shim) -> io::Result<()> {
        match exit_of(&shim.pidfd)? {
            Some(Exit::Signal(_)) => {
                self.unreleased.push(shim.pid);
                self.start_shim()
            }
            // If the shim exited by itself, another shim would exit in the same way.
            _ => Err(io::Error::other(
                "the process that was to become the command exited",
            )),
        }
    }

    /// Handles one message from the node.
    fn receive(&mut self, node: BorrowedFd<'a>) -> io::Result<()> {
        let Some((message, file)) = channel::receive(node)? else {
            self.node_exited();
            return Ok(());
        };
        match (message, &mut self.command) {
            (ToGuardian::Start { run, pid, deadline }, None) => {
                return self.start(run, pid, deadline);
            }
            (
                ToGuardian::Prolong {
                    run,
                    deadline,
                    sent,
                },
                Some(command),
            ) if command.run == run => {
                self.lateness.record(now().saturating_since(sent));
                let margin = self.lateness.margin(&self.timing);
                command.schedule.set_margin(margin);
                command.schedule.prolong(deadline);
            }
            (ToGuardian::Stop { run, reason }, Some(command)) if command.run == run => {
                command.stop(reason);
            }
            // The guardian has ended this run of the command, and the node did not know that when
            // it sent the message.
            (ToGuardian::Prolong { .. } | ToGuardian::Stop { .. }, _) => {}
            (ToGuardian::ReleasePid { pid }, _) => self.reap(|ended| ended.as_raw_pid() == pid),
            (ToGuardian::KeepSocket, _) => self.sockets.keep(file),
            (ToGuardian::EntrustConnection { farewell }, _) => self.sockets.entrust(file, farewell),
            (ToGuardian::DiscardFarewells, _) => self.sockets.discard_farewells(),
            (ToGuardian::Start { .. } | ToGuardian::Begin(_), _) => {
                return Err(io::Error::other("the node sent an unexpected message"));
            }
        }
        Ok(())
    }

    /// Handles the end of the node: the node has exited or has closed its channel, and sends
    /// nothing more. The command is killed at once.
    fn node_exited(&mut self) {
        self.node = None;
        if let Some(command) = &mut self.command {
            command.stop(EndReason::NodeExited);
        }
    }

    /// Reaps the processes that have ended and for which `is_released` returns `true`: the node
    /// sends no more signals to them.
    fn reap(&mut self, is_released: impl Fn(Pid) -> bool) {
        self.unreleased
            .retain(|&pid| !(is_released(pid) && children::reap(pid)));
    }

    /// Records that the node has made the shim with the process id `pid` become the command.
    fn start(&mut self, run: u64, pid: i32, deadline: Option<Moment>) -> io::Result<()> {
        let is_named = |shim: &mut Shim| shim.pid.as_raw_pid() == pid;
        if let Some(shim) = self.shim.take_if(is_named) {
            // From now on, the node signals only this process. So the guardian can reap all earlier
            // processes.
            self.reap(|_| true);
            let mut schedule = StopSchedule::new(self.timing, deadline);
            schedule.set_margin(self.lateness.margin(&self.timing));
            self.command = Some(RunningCommand::new(run, shim, schedule));
            return Ok(());
        }
        // Another process has killed the shim (the process that was to become the command) with
        // this id, and the guardian has started another shim, whose id the node did not know.
        let end = CommandEnd {
            exit: Exit::NotStarted(Errno::SRCH.raw_os_error()),
            reason: EndReason::Exited,
            sigterm_at: None,
            sigkill_at: None,
            ended_at: now(),
        };
        self.send(&ToNode::Ended { run, end }, None)
    }

    /// Sends a message to the node. Returns an error if the node does not read. The guardian cannot
    /// rely on such a node, so it kills the command and exits. The node notices that the guardian
    /// exits.
    fn send(&self, message: &ToNode, file: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let Some(node) = self.node else {
            return Ok(());
        };
        match channel::send(node, message, file) {
            // The node has exited. The event loop notices this exit by itself.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}
