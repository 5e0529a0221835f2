use std::{
    fs::{self, OpenOptions},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    disk::Disk,
    plan::{Kind, ProcessFault},
    setup::Setup,
};
use crate::error::Error;

/// A node of the cluster, with its disk and the proxy in front of it.
///
/// Dropping this value ends the processes and unmounts the disk.
#[derive(Debug)]
pub(super) struct Member<'a> {
    setup: &'a Setup<'a>,
    /// The number of the node, counted from 0.
    index: usize,
    data: PathBuf,
    node: Option<Child>,
    proxy: Option<Child>,
    /// The kind of the last fault that may end the node's process.
    pub(super) ending_fault: Option<Kind>,
    // The field `disk` is the last field, so that the disk is dropped after the processes that use
    // it have ended.
    pub(super) disk: Option<Disk>,
}

impl<'a> Member<'a> {
    /// Formats the data folder of a node, and starts the proxy and the node.
    ///
    /// # Errors
    /// Returns an error if a program cannot be started, or if the data folder cannot be formatted.
    pub(super) fn start(
        setup: &'a Setup<'a>,
        index: usize,
        disk: Option<Disk>,
    ) -> Result<Self, Error> {
        let data = setup.data(index, disk.as_ref().map(|disk| &*disk.place));
        let init = setup.init(index, &data).stdin(Stdio::null()).output()?;
        if !init.status.success() {
            let message = String::from_utf8_lossy(&init.stderr).into_owned();
            return Err(Error::Init(message));
        }
        let mut member = Self {
            setup,
            index,
            data,
            node: None,
            proxy: None,
            ending_fault: None,
            disk,
        };
        member.start_proxy()?;
        member.start_node()?;
        Ok(member)
    }

    /// Starts the node. The node must not run already.
    ///
    /// # Errors
    /// Returns an error if the node cannot be started.
    pub(super) fn start_node(&mut self) -> Result<(), Error> {
        self.ending_fault = None;
        self.node = Some(self.spawn(self.setup.node(self.index, &self.data))?);
        Ok(())
    }

    /// Starts the proxy, if the node has one.
    ///
    /// # Errors
    /// Returns an error if the proxy cannot be started.
    pub(super) fn start_proxy(&mut self) -> Result<(), Error> {
        if Setup::has_proxy(self.index) {
            self.proxy = Some(self.spawn(self.setup.proxy(self.index))?);
        }
        Ok(())
    }

    fn spawn(&self, mut command: Command) -> Result<Child, Error> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.setup.hosts[self.index].start(command)
    }

    /// Returns the path of the log into which all processes of this member write.
    pub(super) fn log(&self) -> PathBuf {
        let name = format!("log-{}", self.index + 1);
        self.setup.folder.join(name)
    }

    pub(super) fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// Kills the proxy in front of the node: its port refuses connections, and its open connections
    /// break.
    pub(super) fn kill_proxy(&mut self) {
        kill(&mut self.proxy);
    }

    /// Kills the node, and waits until its process has ended.
    pub(super) fn kill_node(&mut self) {
        kill(&mut self.node);
    }

    /// Returns the exit status if the node has ended since the last call.
    ///
    /// # Errors
    /// Returns an error if the system does not report the status.
    pub(super) fn take_exit_status(&mut self) -> Result<Option<ExitStatus>, Error> {
        let Some(node) = &mut self.node else {
            return Ok(None);
        };
        let status = node.try_wait()?;
        if status.is_some() {
            self.node = None;
        }
        Ok(status)
    }

    pub(super) fn is_running(&self) -> bool {
        self.node.is_some()
    }

    /// Sends the signal of this fault. Does not wait for its effect.
    pub(super) fn inject(&self, fault: ProcessFault) {
        let guardian = self.guardian();
        let node = self.pid();
        let (pids, signal) = match fault {
            ProcessFault::Kill => ([node, None], Signal::KILL),
            // A node that has just been started may have no guardian yet (the process that kills
            // the command before the lease ends). Then the node itself is killed.
            ProcessFault::KillGuardian => ([guardian.or(node), None], Signal::KILL),
            ProcessFault::KillBoth => ([node, guardian], Signal::KILL),
            ProcessFault::End => ([node, None], Signal::TERM),
            ProcessFault::Pause => ([node, None], Signal::STOP),
            ProcessFault::PauseGuardian => ([guardian, None], Signal::STOP),
        };
        for pid in pids.into_iter().flatten() {
            // An error means that the process has just ended. Then `take_exit_status` reports its
            // end later.
            let _ = kill_process(pid, signal);
        }
    }

    /// Makes the node, and the guardian that must kill its command before the lease ends, continue
    /// after SIGSTOP, because one of them may be stopped.
    pub(super) fn resume(&self) {
        for pid in [self.pid(), self.guardian()].into_iter().flatten() {
            // An error means that the process has ended.
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    fn pid(&self) -> Option<Pid> {
        self.node.as_ref().map(Pid::from_child)
    }

    /// Returns the process id of the guardian, which is the process that kills the node's command
    /// before the lease ends. The guardian is a child of the first thread of the node.
    fn guardian(&self) -> Option<Pid> {
        let pid = self.pid()?.as_raw_nonzero();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        let is_guardian = |child: &&str| {
            let name = fs::read_to_string(format!("/proc/{child}/comm"));
            name.is_ok_and(|name| name.trim_end() == "elector-guard")
        };
        let found = children.split_ascii_whitespace().find(is_guardian)?;
        Pid::from_raw(found.parse().ok()?)
    }
}

/// Describes an exit status.
pub(super) fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // The process may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if let Some(disk) = &mut self.disk {
            // A process that waits for a frozen disk cannot be killed, so the disk must not stay
            // frozen.
            let _ = disk.thaw();
        }
        // A stopped guardian could not kill the command of the node when the node ends.
        self.resume();
        self.kill_node();
        self.kill_proxy();
    }
}
