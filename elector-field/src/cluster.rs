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
    system::{Belief, Place, System},
    witness::{Life, lives},
};

/// How often each member is asked who leads.
const ASK: Duration = Duration::from_millis(5);

/// How long a cluster may take to elect its first leader.
const FIRST: u64 = 60;

/// Processes of one system, one on each host of a switch. They end when it is dropped.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    pub(crate) switch: &'a Switch,
    system: System,
    folder: TempDir,
    members: Vec<Child>,
    seen: Arc<Seen>,
    askers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Seen {
    /// By host: what its member said last.
    now: Mutex<Vec<Option<Belief>>>,
    /// Each term and its leader.
    tenures: Mutex<BTreeSet<(u64, u64)>>,
    over: AtomicBool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Cluster<'a> {
    /// Starts all members, and waits until all of them agree on a leader.
    ///
    /// # Errors
    /// If a program cannot be started, or there is no leader.
    pub(crate) fn start(switch: &'a Switch, system: System, elector: &Path) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let mut cluster = Self {
            switch,
            system,
            members: Vec::new(),
            seen: Arc::new(Seen {
                now: Mutex::new(vec![None; switch.hosts.len()]),
                tenures: Mutex::default(),
                over: AtomicBool::new(false),
            }),
            askers: Vec::new(),
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
                    let told = String::from_utf8_lossy(&done.stderr).into_owned();
                    return Err(Error::Init(told));
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
            cluster.ask(index)?;
        }
        cluster.agreed(Duration::from_secs(FIRST)).ok_or_else(|| {
            let logs = cluster.keep();
            Error::NoLeader(system.name(), FIRST, logs.display().to_string())
        })?;
        Ok(cluster)
    }

    fn log(&self, index: usize) -> PathBuf {
        self.folder.path().join(format!("log-{}", index + 1))
    }

    /// Leaves the folder where it is.
    pub(crate) fn keep(&self) -> PathBuf {
        let kept = std::env::temp_dir().join("elector-field-logs");
        // A copy is a help for the reader, and no more.
        let _ = std::fs::create_dir_all(&kept);
        for index in 0..self.members.len() {
            let _ = std::fs::copy(self.log(index), kept.join(format!("log-{}", index + 1)));
        }
        kept
    }

    /// Asks the member on this host again and again, on a thread inside its namespace.
    fn ask(&mut self, index: usize) -> Result<(), Error> {
        let (seen, system) = (Arc::clone(&self.seen), self.system);
        let asker = self.switch.hosts[index].spawn(move || {
            let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1)));
            let agent = config.build().new_agent();
            while !seen.over.load(Ordering::Relaxed) {
                let belief = system.ask(&agent);
                lock(&seen.now)[index] = belief;
                if let Some(belief) = belief {
                    lock(&seen.tenures).insert((belief.term, belief.leader));
                }
                thread::sleep(ASK);
            }
        })?;
        self.askers.push(asker);
        Ok(())
    }

    /// The host of the leader that all members name, as soon as they do.
    pub(crate) fn agreed(&self, limit: Duration) -> Option<usize> {
        let began = Instant::now();
        while began.elapsed() < limit {
            let now = lock(&self.seen.now).clone();
            let said = now.iter().copied().collect::<Option<Vec<_>>>();
            if let Some(said) = said.filter(|said| same_leader(said)) {
                let leader = said.iter().position(|belief| belief.me == belief.leader);
                if leader.is_some() {
                    return leader;
                }
            }
            thread::sleep(ASK);
        }
        None
    }

    /// How long it takes until a member other than this one names another leader.
    pub(crate) fn replaced(&self, leader: usize, limit: Duration) -> Option<Duration> {
        let began = Instant::now();
        let old = lock(&self.seen.now)[leader].map(|belief| belief.me);
        while began.elapsed() < limit {
            let now = lock(&self.seen.now).clone();
            let mut others = now.iter().enumerate().filter(|(index, _)| *index != leader);
            if others.any(|(_, belief)| belief.is_some_and(|belief| Some(belief.leader) != old)) {
                return Some(began.elapsed());
            }
            thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// How many tenures have been seen.
    pub(crate) fn tenures(&self) -> usize {
        lock(&self.seen.tenures).len()
    }

    /// The lives of the command so far.
    ///
    /// # Errors
    /// If their folder cannot be read.
    pub(crate) fn lives(&self) -> Result<Vec<Life>, Error> {
        lives(self.folder.path())
    }
}

fn same_leader(said: &[Belief]) -> bool {
    said.windows(2)
        .all(|pair| (pair[0].term, pair[0].leader) == (pair[1].term, pair[1].leader))
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::Relaxed);
        for member in &mut self.members {
            // It may have ended by itself.
            let _ = member.kill();
            let _ = member.wait();
        }
        for asker in self.askers.drain(..) {
            let _ = asker.join();
        }
    }
}
