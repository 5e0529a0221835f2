use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group,
        pidfd_open, setpriority_pgrp, setpriority_process, waitid,
    },
};

use super::priority::BEST_NICE;
use crate::run::{
    Exit,
    children::{self, ProcessIds},
};

/// All processes of a command. The guardian is the parent of the first process, and becomes the
/// parent of every orphan: a process of the command whose parent has exited.
///
/// No signal of this type can reach a process that does not belong to the command. The id of a
/// process, and of a group that the process leads, is in use until its parent has reaped the
/// process. The guardian is the parent of all processes that it signals by their ids. It reaps an
/// orphan only in this type, which then removes the orphan from its list. This type does not reap
/// the first process at all: the first process keeps its id until the node has
/// [released](crate::run::channel::ToGuardian::ReleasePid) it, too.
#[derive(Debug)]
pub(super) struct ProcessTree {
    /// The id of the first process, and of the process group that it leads.
    first: Pid,
    pidfd: OwnedFd,
    exit: Option<Exit>,
    orphans: Vec<Orphan>,
}

/// The options of `waitid` that report a child that has exited, without reaping the child and
/// without waiting.
const EXITED: WaitIdOptions = WaitIdOptions::EXITED
    .union(WaitIdOptions::NOHANG)
    .union(WaitIdOptions::NOWAIT);

#[derive(Debug)]
struct Orphan {
    pid: Pid,
    pidfd: OwnedFd,
    has_sigterm: bool,
}

/// Returns how a child ended, if it has ended. The child is not reaped.
pub(super) fn exit_of(pidfd: &OwnedFd) -> io::Result<Option<Exit>> {
    let status = waitid(WaitId::PidFd(pidfd.as_fd()), EXITED)?;
    Ok(status.as_ref().map(Exit::from_status))
}

impl ProcessTree {
    /// Creates the tree of the process `first`, which must be a child of the guardian and lead a
    /// process group.
    pub(super) fn new(first: Pid, pidfd: OwnedFd) -> Self {
        Self {
            first,
            pidfd,
            exit: None,
            orphans: Vec::new(),
        }
    }

    /// Returns the id of the first process. The caller must reap the first process when the
    /// guardian and the node send no more signals to it.
    pub(super) fn first(&self) -> Pid {
        self.first
    }

    /// Returns how the first process ended, if it had ended at the last [update](Self::update).
    pub(super) fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// Returns the pidfds of the processes that are known to be alive. A pidfd becomes readable
    /// when its process ends. Then the caller must call [`update`](Self::update).
    pub(super) fn pidfds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let first = self.exit.is_none().then(|| self.pidfd.as_fd());
        let orphans = self.orphans.iter().map(|orphan| orphan.pidfd.as_fd());
        first.into_iter().chain(orphans)
    }

    /// Finds out which processes are left. Returns `true` if no process is left.
    ///
    /// While the first process lives, it is responsible for the other processes of the command.
    /// Orphans that exit during that time are only reaped, and orphans that live are not signalled.
    pub(super) fn update(&mut self) -> io::Result<bool> {
        if self.exit.is_none() {
            self.exit = exit_of(&self.pidfd)?;
        }
        if self.exit.is_none() {
            if waitid(WaitId::All, EXITED)?.is_some() {
                let others = children::own()?.into_iter();
                for pid in others.filter(|&pid| pid != self.first) {
                    children::reap(pid);
                }
            }
            return Ok(false);
        }
        self.orphans.retain(|orphan| !children::reap(orphan.pid));
        // The kernel's list of children can omit a child while another child is being reaped. No
        // child is reaped during `adopt`, so this list is complete.
        self.adopt()?;
        Ok(self.orphans.is_empty())
    }

    /// Sends SIGTERM to all processes of the command. Later calls of
    /// [`terminate_orphans`](Self::terminate_orphans) send no second SIGTERM to the same orphan.
    pub(super) fn terminate(&mut self) {
        let _ = kill_process_group(self.first, Signal::TERM);
        // A stopped process handles SIGTERM only after SIGCONT.
        let _ = kill_process_group(self.first, Signal::CONT);
        self.terminate_orphans();
    }

    /// Sends SIGTERM to the orphans (processes whose parents have exited) that have not got SIGTERM
    /// yet.
    pub(super) fn terminate_orphans(&mut self) {
        let new = self.orphans.iter_mut().filter(|orphan| !orphan.has_sigterm);
        for orphan in new {
            orphan.has_sigterm = true;
            let group = ProcessIds::of(orphan.pid).and_then(|ids| ids.group);
            if group != Some(self.first) {
                let _ = kill_process(orphan.pid, Signal::TERM);
                let _ = kill_process(orphan.pid, Signal::CONT);
            }
        }
    }

    /// Sends SIGKILL to the group of the first process and to all known orphans. Processes whose
    /// parents are killed in this way become orphans, and the next [update](Self::update) finds
    /// them.
    pub(super) fn kill(&self) {
        // A process needs a processor to exit, so the processes get the best nice value before
        // SIGKILL.
        let _ = setpriority_pgrp(Some(self.first), BEST_NICE);
        let _ = kill_process_group(self.first, Signal::KILL);
        for orphan in &self.orphans {
            let _ = setpriority_process(Some(orphan.pid), BEST_NICE);
            let _ = kill_process(orphan.pid, Signal::KILL);
        }
    }

    fn adopt(&mut self) -> io::Result<()> {
        for pid in children::own()? {
            let is_known = pid == self.first || self.orphans.iter().any(|orphan| orphan.pid == pid);
            if is_known {
                continue;
            }
            match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(pidfd) => self.orphans.push(Orphan {
                    pid,
                    pidfd,
                    has_sigterm: false,
                }),
                // The guardian has no file descriptor left for another pidfd. The next call of
                // `update` adds the remaining orphans, when some of the known orphans have exited.
                Err(Errno::MFILE | Errno::NFILE) if !self.orphans.is_empty() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
