use std::{fs, io};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid},
};

/// Returns the children of all threads of this process. Children that have exited and were not
/// reaped are among them.
///
/// # Errors
/// If the kernel does not provide the list: it was built without `CONFIG_PROC_CHILDREN`, or `/proc`
/// is not mounted.
pub(super) fn own() -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for pids in by_thread("self")? {
        match pids {
            Ok(pids) => children.extend(pids),
            // The thread has ended since the list of threads was read.
            Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(children)
}

/// Returns the children of another process. Children of threads that cannot be read are missing.
pub(super) fn of(pid: Pid) -> Vec<Pid> {
    let lists = by_thread(&pid.as_raw_pid().to_string());
    lists.into_iter().flatten().flatten().flatten().collect()
}

/// Returns the children of each thread of a process.
fn by_thread(process: &str) -> io::Result<impl Iterator<Item = io::Result<Vec<Pid>>> + use<>> {
    let threads = fs::read_dir(format!("/proc/{process}/task"))?;
    Ok(threads.map(|thread| {
        let list = fs::read_to_string(thread?.path().join("children"))?;
        let pids = list.split_ascii_whitespace();
        Ok(pids
            .filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
            .collect())
    }))
}

/// Reaps the child with this id, which frees the id. Returns `false` if the child has not ended.
pub(super) fn reap(pid: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Kills and reaps the children of this process that belong to the session `session`. If
/// `own_children` is known, this function also kills and reaps all children that are not in this
/// list. Returns `true` if it has found a child to kill.
///
/// This function is for a node whose guardian, the process that stops the command, has exited. The
/// guardian was the leader of the session. As a subreaper, the node has become the parent of the
/// processes that the guardian has left.
pub(super) fn kill_adopted(session: Pid, own_children: Option<&[Pid]>) -> io::Result<bool> {
    let mut any = false;
    for pid in own()? {
        let is_adopted = own_children.is_some_and(|own| !own.contains(&pid));
        if is_adopted || ProcessIds::of(pid).and_then(|ids| ids.session) == Some(session) {
            any = true;
            let _ = kill_process(pid, Signal::KILL);
            reap(pid);
        }
    }
    Ok(any)
}

/// The process group and the session of a process. Each of them is `None` if its leader is outside
/// of this container, because then the leader has no process id inside. (`rustix::process::getsid`
/// does not support a leader without an id.)
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ProcessIds {
    pub(super) group: Option<Pid>,
    session: Option<Pid>,
}

impl ProcessIds {
    /// Returns `None` if there is no such process.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let stat = fs::read(format!("/proc/{}/stat", pid.as_raw_pid())).ok()?;
        Self::in_stat(&String::from_utf8_lossy(&stat))
    }

    /// Parses the line of `/proc/PID/stat` (`proc_pid_stat(5)`). The process name in this line is
    /// in parentheses, and may contain any character, also a parenthesis.
    fn in_stat(stat: &str) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        let ids = fields.split_ascii_whitespace().skip(2);
        let mut ids = ids.map(|id| Some(Pid::from_raw(id.parse::<i32>().ok()?.max(0))));
        let (group, session) = (ids.next()??, ids.next()??);
        Some(Self { group, session })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_outside_of_the_container_has_no_id() {
        let none = Some(ProcessIds {
            group: None,
            session: None,
        });
        assert_eq!(ProcessIds::in_stat("17 (sh) S 1 0 0 0 -1 4194304"), none);
        assert_eq!(ProcessIds::in_stat("17 (sh) S 1 -1 -1 0 -1 4194304"), none);
        assert_eq!(ProcessIds::in_stat("17 (sh) S 1"), None);
    }

    #[test]
    fn a_process_name_is_not_read_as_a_field() {
        let expected = Some(ProcessIds {
            group: Pid::from_raw(7),
            session: Pid::from_raw(8),
        });
        assert_eq!(
            ProcessIds::in_stat("17 (a) b) 3 (c) S 1 7 8 0 -1"),
            expected
        );
    }

    #[test]
    fn this_process_has_a_group_and_a_session() {
        assert!(ProcessIds::of(rustix::process::getpid()).is_some());
    }
}
