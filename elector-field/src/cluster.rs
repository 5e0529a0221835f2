use std::{
    collections::BTreeSet,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    error::Error,
    switch::Switch,
    system::{MemberStatus, Place, System},
    witness::{Life, lives},
};

/// The pause between two requests for the status of a member.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// How long a cluster may take to elect its first leader, in seconds.
const FIRST_ELECTION_TIMEOUT_S: u64 = 60;

/// The members of a cluster of one system under test: one process on each host of a switch.
/// Dropping this value kills these processes.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    pub(crate) switch: &'a Switch,
    system: System,
    folder: TempDir,
    members: Vec<Child>,
    seen: Arc<Observations>,
    pollers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Observations {
    /// The last status of the member on each host; `None` if the member did not answer or knows no
    /// leader.
    statuses: Mutex<Vec<Option<MemberStatus>>>,
    /// The tenures that were seen: pairs of term and leader.
    tenures: Mutex<BTreeSet<(u64, u64)>>,
    is_stopped: AtomicBool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Cluster<'a> {
    /// Starts all members, and waits until all of them report the same leader. `elector` is the
    /// path of the program `elector`.
    ///
    /// # Errors
    /// Returns an error if a program cannot be started, or if no leader is elected.
    pub(crate) fn start(switch: &'a Switch, system: System, elector: &Path) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let mut cluster = Self {
            switch,
            system,
            members: Vec::new(),
            seen: Arc::new(Observations {
                statuses: Mutex::new(vec![None; switch.hosts.len()]),
                tenures: Mutex::default(),
                is_stopped: AtomicBool::new(false),
            }),
            pollers: Vec::new(),
            folder,
        };
        for index in 0..switch.hosts.len() {
            let place = Place {
                switch,
                index,
                folder: cluster.folder.path(),
                elector,
            };
            if let Some(mut init) = system.init(&place) {
                let done = init.output().map_err(|error| Error::Program("ip", error))?;
                if !done.status.success() {
                    let message = String::from_utf8_lossy(&done.stderr).into_owned();
                    return Err(Error::Init(message));
                }
            }
            let log = File::create(cluster.log(index))?;
            let member = system
                .member(&place)
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn();
            cluster
                .members
                .push(member.map_err(|error| Error::Program("ip", error))?);
        }
        for index in 0..switch.hosts.len() {
            cluster.poll(index)?;
        }
        let timeout = Duration::from_secs(FIRST_ELECTION_TIMEOUT_S);
        cluster.agreed_leader(timeout).ok_or_else(|| {
            let logs = cluster.keep_logs().display().to_string();
            Error::NoLeader(system.name(), FIRST_ELECTION_TIMEOUT_S, logs)
        })?;
        Ok(cluster)
    }

    fn log(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("log-{}", index + 1))
    }

    /// Copies the logs to a folder that is not deleted, and returns its path.
    pub(crate) fn keep_logs(&self) -> PathBuf {
        let kept = std::env::temp_dir().join("elector-field-logs");
        // The copies only help the reader, so errors are ignored.
        let _ = std::fs::create_dir_all(&kept);
        for index in 0..self.members.len() {
            let _ = std::fs::copy(self.log(index), kept.join(format!("log-{}", index + 1)));
        }
        kept
    }

    /// Starts a thread inside the network namespace of this host, which polls the status of the
    /// host's member.
    fn poll(&mut self, index: usize) -> Result<(), Error> {
        let (seen, system) = (Arc::clone(&self.seen), self.system);
        let poller = self.switch.hosts[index].spawn(move || {
            let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1)));
            let agent = config.build().new_agent();
            while !seen.is_stopped.load(Ordering::Relaxed) {
                let status = system.request_status(&agent);
                lock(&seen.statuses)[index] = status;
                if let Some(status) = status {
                    lock(&seen.tenures).insert((status.term, status.leader));
                }
                thread::sleep(POLL_INTERVAL);
            }
        })?;
        self.pollers.push(poller);
        Ok(())
    }

    /// Waits until all members report the same leader. Returns the index of the leader's host, or
    /// `None` when the time `limit` has passed.
    pub(crate) fn agreed_leader(&self, limit: Duration) -> Option<usize> {
        let began = Instant::now();
        while began.elapsed() < limit {
            let statuses = lock(&self.seen.statuses).clone();
            let statuses: Option<Vec<_>> = statuses.into_iter().collect();
            if let Some(statuses) = statuses.filter(|statuses| have_same_leader(statuses)) {
                let leader = statuses
                    .iter()
                    .position(|status| status.me == status.leader);
                if leader.is_some() {
                    return leader;
                }
            }
            thread::sleep(POLL_INTERVAL);
        }
        None
    }

    /// Waits until a member other than `leader` reports a new leader. Returns how long this took,
    /// or `None` when the time `limit` has passed.
    pub(crate) fn time_to_replace(&self, leader: usize, limit: Duration) -> Option<Duration> {
        let began = Instant::now();
        let old = lock(&self.seen.statuses)[leader].map(|status| status.me);
        while began.elapsed() < limit {
            let statuses = lock(&self.seen.statuses).clone();
            let others = statuses.into_iter().enumerate();
            let mut others = others.filter(|(index, _)| *index != leader);
            if others.any(|(_, status)| status.is_some_and(|status| Some(status.leader) != old)) {
                return Some(began.elapsed());
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// Returns the number of tenures that have been seen: of pairs of a term and its leader.
    pub(crate) fn tenures(&self) -> usize {
        lock(&self.seen.tenures).len()
    }

    /// Returns the lives of the leader's command that have begun so far, in the order of their
    /// beginning. A life lasts from the start of a process of the command to its end.
    ///
    /// # Errors
    /// Returns an error if the file of the lives cannot be read.
    pub(crate) fn lives(&self) -> Result<Vec<Life>, Error> {
        lives(self.folder.path())
    }
}

fn have_same_leader(statuses: &[MemberStatus]) -> bool {
    statuses
        .windows(2)
        .all(|pair| (pair[0].term, pair[0].leader) == (pair[1].term, pair[1].leader))
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        self.seen.is_stopped.store(true, Ordering::Relaxed);
        for member in &mut self.members {
            // The process may have ended by itself.
            let _ = member.kill();
            let _ = member.wait();
        }
        for poller in self.pollers.drain(..) {
            let _ = poller.join();
        }
    }
}
