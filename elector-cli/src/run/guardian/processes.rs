use std::{
    fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group,
        pidfd_open, setpriority_pgrp, setpriority_process, waitid,
    },
};

use super::priority::FIRST;
use crate::run::Exit;

/// All processes of a command, seen from the guardian, which is the parent of the first one and
/// of every one that was orphaned.
///
/// Nothing here can hit a stranger: the id of a process, and of a group that it leads, is in use
/// until its parent has collected it. The parent of all that are signalled by their ids is this
/// process. It collects an orphan only here, and then forgets it; and the first process not at all:
/// that one keeps its id until the node, too, has [let go](crate::run::channel::Order::LetGo) of it.
#[derive(Debug)]
pub(super) struct Family {
    /// The first process, and its group.
    first: Pid,
    handle: OwnedFd,
    exit: Option<Exit>,
    orphans: Vec<Orphan>,
}

/// A look at who has ended, which takes nothing away.
const ENDED: WaitIdOptions = WaitIdOptions::EXITED
    .union(WaitIdOptions::NOHANG)
    .union(WaitIdOptions::NOWAIT);

#[derive(Debug)]
struct Orphan {
    pid: Pid,
    handle: OwnedFd,
    asked: bool,
}

impl Family {
    /// The family of this process, a child of the caller that leads its group.
    pub(super) fn of(first: Pid, handle: OwnedFd) -> Self {
        Self {
            first,
            handle,
            exit: None,
            orphans: Vec::new(),
        }
    }

    /// The first process. It is to be collected when nothing signals it any more.
    pub(super) fn first(&self) -> Pid {
        self.first
    }

    /// How a child ended, if it has. It is not collected.
    pub(super) fn exit_of(handle: &OwnedFd) -> io::Result<Option<Exit>> {
        let status = waitid(WaitId::PidFd(handle.as_fd()), ENDED)?;
        Ok(status.as_ref().map(Exit::from_status))
    }

    /// How the first process ended, if it has, as of the last look.
    pub(super) fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// What becomes readable when there may be something new to see.
    pub(super) fn handles(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let first = self.exit.is_none().then(|| self.handle.as_fd());
        let orphans = self.orphans.iter().map(|orphan| orphan.handle.as_fd());
        first.into_iter().chain(orphans)
    }

    /// Looks who is left; whether nobody is. While the first process lives, the others are its own
    /// business, until they end as orphans.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        if self.exit.is_none() {
            self.exit = Self::exit_of(&self.handle)?;
        }
        if self.exit.is_none() {
            if waitid(WaitId::All, ENDED)?.is_some() {
                let others = children()?.into_iter().filter(|&pid| pid != self.first);
                for pid in others {
                    collect(pid);
                }
            }
            return Ok(false);
        }
        self.orphans.retain(|orphan| !collect(orphan.pid));
        // The list of children can miss one while another is collected. Nothing is, meanwhile.
        self.adopt()?;
        Ok(self.orphans.is_empty())
    }

    /// SIGTERM to all, each once.
    pub(super) fn ask(&mut self) {
        let _ = kill_process_group(self.first, Signal::TERM);
        // One that is stopped would not hear it.
        let _ = kill_process_group(self.first, Signal::CONT);
        self.ask_orphans();
    }

    /// SIGTERM to those that were not in reach when the others were asked.
    pub(super) fn ask_orphans(&mut self) {
        for orphan in self.orphans.iter_mut().filter(|orphan| !orphan.asked) {
            orphan.asked = true;
            let group = Belongs::of(orphan.pid).and_then(|to| to.group);
            if group != Some(self.first) {
                let _ = kill_process(orphan.pid, Signal::TERM);
                let _ = kill_process(orphan.pid, Signal::CONT);
            }
        }
    }

    /// SIGKILL to all in reach. Whoever is orphaned by it is in reach at the next look.
    pub(super) fn kill(&self) {
        // A process has to run in order to end.
        let _ = setpriority_pgrp(Some(self.first), FIRST);
        let _ = kill_process_group(self.first, Signal::KILL);
        for orphan in &self.orphans {
            let _ = setpriority_process(Some(orphan.pid), FIRST);
            let _ = kill_process(orphan.pid, Signal::KILL);
        }
    }

    fn adopt(&mut self) -> io::Result<()> {
        for pid in children()? {
            let known = pid == self.first || self.orphans.iter().any(|orphan| orphan.pid == pid);
            if known {
                continue;
            }
            match pidfd_open(pid, PidfdFlags::empty()) {
                Ok(handle) => self.orphans.push(Orphan {
                    pid,
                    handle,
                    asked: false,
                }),
                // Too many at once: the others' turn comes when some of these have ended.
                Err(Errno::MFILE | Errno::NFILE) if !self.orphans.is_empty() => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The group and the session of a process; none where its leader is outside of this container, for
/// then it has no number here. (`rustix::process::getsid` does not allow for that.)
#[derive(Debug, PartialEq, Eq)]
struct Belongs {
    group: Option<Pid>,
    session: Option<Pid>,
}

impl Belongs {
    /// `None` if there is no such process.
    fn of(pid: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        Self::in_stat(&String::from_utf8_lossy(&stat))
    }

    /// From the line of `/proc/PID/stat` (`proc_pid_stat(5)`); the name in parentheses can be
    /// anything.
    fn in_stat(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace().skip(2);
        let mut next = || {
            fields
                .next()?
                .parse::<i32>()
                .ok()
                .map(|raw| Pid::from_raw(raw.max(0)))
        };
        Some(Self {
            group: next()?,
            session: next()?,
        })
    }
}

/// Kills and collects the children of this process that are of this session, or all but its `own`,
/// if these are known; whether there were any. For the node whose guardian, the leader of that
/// session, is gone: this process has adopted what that one has left.
pub(in crate::run) fn kill_adopted(session: Pid, own: Option<&[Pid]>) -> io::Result<bool> {
    let mut any = false;
    for pid in children()? {
        let stray = own.is_some_and(|own| !own.contains(&pid));
        if stray || Belongs::of(pid).and_then(|to| to.session) == Some(session) {
            any = true;
            let _ = kill_process(pid, Signal::KILL);
            collect(pid);
        }
    }
    Ok(any)
}

/// Takes the exit status of a child, if it has ended.
pub(super) fn collect(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// The children of this process, and of every of its threads, also those that wait to be
/// collected.
///
/// # Errors
/// If the kernel does not tell (it was built without `CONFIG_PROC_CHILDREN`, or `/proc` is not
/// there).
pub(super) fn children() -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for thread in fs::read_dir("/proc/self/task")? {
        match fs::read_to_string(thread?.path().join("children")) {
            Ok(list) => {
                let pids = list.split_ascii_whitespace();
                children.extend(pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)));
            }
            // The thread has just ended.
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(children)
}

#[cfg(test)]
mod tests {
    use rustix::process::Pid;

    use super::Belongs;

    #[test]
    fn a_leader_outside_of_the_container_is_nobody() {
        let none = Some(Belongs {
            group: None,
            session: None,
        });
        assert_eq!(Belongs::in_stat("17 (sh) S 1 0 0 0 -1 4194304"), none);
        assert_eq!(Belongs::in_stat("17 (sh) S 1 -1 -1 0 -1 4194304"), none);
        assert_eq!(Belongs::in_stat("17 (sh) S 1"), None);
    }

    #[test]
    fn a_name_is_not_taken_for_a_field() {
        let seven = Some(Belongs {
            group: Pid::from_raw(7),
            session: Pid::from_raw(8),
        });
        assert_eq!(Belongs::in_stat("17 (a) b) 3 (c) S 1 7 8 0 -1"), seven);
    }

    #[test]
    fn this_process_belongs_somewhere() {
        assert!(Belongs::of(rustix::process::getpid()).is_some());
    }
}
