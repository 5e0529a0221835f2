use std::{
    fs::{self, OpenOptions},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    disk::Disk,
    plan::{Hit, Kind},
    setup::Setup,
};
use crate::error::Error;

/// A node of the cluster, with its disk and the proxy in front of it. All of it ends when it is
/// dropped.
#[derive(Debug)]
pub(super) struct Member<'a> {
    setup: &'a Setup<'a>,
    /// Counted from 0.
    index: usize,
    data: PathBuf,
    node: Option<Child>,
    proxy: Option<Child>,
    /// What is to end it, if anything.
    pub(super) foreseen: Option<Kind>,
    // Dropped after the processes that use it.
    pub(super) disk: Option<Disk>,
}

impl<'a> Member<'a> {
    /// Formats a node, and starts it, and its proxy.
    ///
    /// # Errors
    /// If a program cannot be started.
    pub(super) fn start(
        setup: &'a Setup<'a>,
        index: usize,
        disk: Option<Disk>,
    ) -> Result<Self, Error> {
        let data = setup.data(index, disk.as_ref().map(|disk| &*disk.place));
        let init = setup.init(index, &data).stdin(Stdio::null()).output()?;
        if !init.status.success() {
            let told = String::from_utf8_lossy(&init.stderr).into_owned();
            return Err(Error::Init(told));
        }
        let mut member = Self {
            setup,
            index,
            data,
            node: None,
            proxy: None,
            foreseen: None,
            disk,
        };
        member.start_proxy()?;
        member.start_node()?;
        Ok(member)
    }

    /// Starts the node, which does not run.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start_node(&mut self) -> Result<(), Error> {
        self.foreseen = None;
        self.node = Some(self.spawn(self.setup.node(self.index, &self.data))?);
        Ok(())
    }

    /// Starts the proxy, if the node has one.
    ///
    /// # Errors
    /// If it cannot be started.
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

    /// What its processes say.
    pub(super) fn log(&self) -> PathBuf {
        let name = format!("log-{}", self.index + 1);
        self.setup.folder.join(name)
    }

    pub(super) fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// Its port refuses connections from now on, and those that it had break.
    pub(super) fn kill_proxy(&mut self) {
        kill(&mut self.proxy);
    }

    /// Kills the node, and waits for that.
    pub(super) fn kill_node(&mut self) {
        kill(&mut self.node);
    }

    /// How the node ended, if it has ended since it was started.
    ///
    /// # Errors
    /// If the system does not say.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        let Some(node) = &mut self.node else {
            return Ok(None);
        };
        let status = node.try_wait()?;
        if status.is_some() {
            self.node = None;
        }
        Ok(status)
    }

    pub(super) fn runs(&self) -> bool {
        self.node.is_some()
    }

    /// Sends the signal of this hit, without waiting for what it does.
    pub(super) fn hit(&self, hit: Hit) {
        let guardian = self.guardian();
        let node = self.pid();
        let (pids, signal) = match hit {
            Hit::Kill => ([node, None], Signal::KILL),
            // A node that has just been started may have none yet.
            Hit::KillGuardian => ([guardian.or(node), None], Signal::KILL),
            Hit::KillBoth => ([node, guardian], Signal::KILL),
            Hit::End => ([node, None], Signal::TERM),
            Hit::Pause => ([node, None], Signal::STOP),
            Hit::PauseGuardian => ([guardian, None], Signal::STOP),
        };
        for pid in pids.into_iter().flatten() {
            // If it has just ended by itself, that is found out when its end is looked for.
            let _ = kill_process(pid, signal);
        }
    }

    /// After a pause of the node, or of its guardian.
    pub(super) fn go_on(&self) {
        for pid in [self.pid(), self.guardian()].into_iter().flatten() {
            // It may have ended.
            let _ = kill_process(pid, Signal::CONT);
        }
    }

    fn pid(&self) -> Option<Pid> {
        self.node.as_ref().map(Pid::from_child)
    }

    /// The guardian of the node's command, a child of the node's first thread.
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

/// An exit status in words.
pub(super) fn told(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if let Some(disk) = &mut self.disk {
            // A process that waits for it cannot be killed.
            let _ = disk.release();
        }
        // A guardian that is stopped does not kill the command.
        self.go_on();
        self.kill_node();
        self.kill_proxy();
    }
}
