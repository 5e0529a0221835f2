use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use super::leases::{Holder, Leases};
use crate::{cluster::lock, error::Error, host::Host, witness::now};

/// How long it is from an answer of a node to the next question.
const ASK: Duration = Duration::from_millis(4);

/// What a node said last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) node: u64,
    pub(super) leader: Option<u64>,
    pub(super) epoch: u64,
    /// It holds its leadership.
    pub(super) holds: bool,
    instance: u64,
    /// When it was asked.
    pub(super) asked: u64,
}

/// Asks all nodes for their status all the time, each on a thread within its namespace.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Arc<Seen>,
    askers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Seen {
    /// By node; nothing if it did not answer.
    said: Mutex<Vec<Option<Said>>>,
    leases: Mutex<Leases>,
    /// Each epoch and its leader.
    tenures: Mutex<BTreeSet<(u64, u64)>>,
    over: AtomicBool,
}

impl Watch {
    /// Begins to ask the nodes on these hosts.
    ///
    /// # Errors
    /// If a namespace cannot be entered.
    pub(super) fn begin(hosts: &[Host], http: &str) -> Result<Self, Error> {
        let mut watch = Self {
            seen: Arc::new(Seen {
                said: Mutex::new(vec![None; hosts.len()]),
                leases: Mutex::default(),
                tenures: Mutex::default(),
                over: AtomicBool::new(false),
            }),
            askers: Vec::new(),
        };
        let url = format!("http://{http}/v1/status");
        for (index, host) in hosts.iter().enumerate() {
            let (seen, url) = (Arc::clone(&watch.seen), url.clone());
            watch
                .askers
                .push(host.spawn(move || seen.ask(index, &url))?);
        }
        Ok(watch)
    }

    /// What each node has said last.
    pub(super) fn said(&self) -> Vec<Option<Said>> {
        lock(&self.seen.said).clone()
    }

    /// The node that holds the leadership of the newest epoch, counted from 0.
    pub(super) fn leader(&self) -> Option<usize> {
        let said = self.said();
        let holds = |(index, said): (usize, &Option<Said>)| {
            let said = said.filter(|said| said.holds)?;
            Some((said.epoch, index))
        };
        let newest = said.iter().enumerate().filter_map(holds).max();
        newest.map(|(_, index)| index)
    }

    /// The leader that all nodes name, asked after this moment, if it holds its leadership.
    pub(super) fn agreed(&self, since: u64) -> Option<u64> {
        let said = self.said().into_iter().collect::<Option<Vec<_>>>()?;
        let first = said.first()?;
        let agrees = |said: &Said| {
            (said.epoch, said.leader) == (first.epoch, first.leader) && said.asked > since
        };
        let leads = |said: &&Said| said.holds && Some(said.node) == first.leader;
        let leader = said.iter().find(leads)?;
        said.iter().all(agrees).then_some(leader.node)
    }

    /// What was seen of leases since this was called last.
    pub(super) fn leases(&self) -> Leases {
        std::mem::take(&mut *lock(&self.seen.leases))
    }

    /// How many leaders were elected.
    pub(super) fn elections(&self) -> usize {
        lock(&self.seen.tenures).len()
    }
}

impl Seen {
    fn ask(&self, index: usize, url: &str) {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1)));
        let agent = config.build().new_agent();
        while !self.over.load(Ordering::Relaxed) {
            let asked = now();
            let said = said(&agent, url, asked);
            let answered = now();
            lock(&self.said)[index] = said;
            if let Some(said) = said {
                if let Some(leader) = said.leader {
                    lock(&self.tenures).insert((said.epoch, leader));
                }
                if said.holds {
                    let holder = Holder {
                        epoch: said.epoch,
                        node: said.node,
                        instance: said.instance,
                    };
                    lock(&self.leases).saw(holder, asked, answered);
                }
            }
            thread::sleep(ASK);
        }
    }
}

fn said(agent: &ureq::Agent, url: &str, asked: u64) -> Option<Said> {
    let text = agent.get(url).call().ok()?.body_mut().read_to_string();
    let status: Value = serde_json::from_str(&text.ok()?).ok()?;
    Some(Said {
        node: status["node"].as_u64()?,
        leader: status["leader"].as_u64(),
        epoch: status["epoch"].as_u64()?,
        holds: status["holds_leadership"].as_bool()?,
        instance: u64::from_str_radix(status["instance"].as_str()?, 16).ok()?,
        asked,
    })
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.seen.over.store(true, Ordering::Relaxed);
        for asker in self.askers.drain(..) {
            let _ = asker.join();
        }
    }
}
