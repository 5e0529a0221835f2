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

/// The pause between an answer of a node and the next request.
const POLL_INTERVAL: Duration = Duration::from_millis(4);

/// The status of a node, from one of its answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeStatus {
    pub(super) node: u64,
    pub(super) leader: Option<u64>,
    pub(super) epoch: u64,
    /// Whether the node holds its leadership: it leads, and its lease is valid.
    pub(super) holds: bool,
    instance: u64,
    /// The time at which the status was requested, in nanoseconds of [`now`].
    pub(super) asked: u64,
}

/// Polls the status of all nodes. Each node has its own thread, which runs inside the network
/// namespace of the node.
#[derive(Debug)]
pub(super) struct Watch {
    seen: Arc<Observations>,
    pollers: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Observations {
    /// The status in the last answer of each node; `None` if the node did not answer the last
    /// request.
    statuses: Mutex<Vec<Option<NodeStatus>>>,
    leases: Mutex<Leases>,
    /// The tenures that were seen: pairs of epoch and leader.
    tenures: Mutex<BTreeSet<(u64, u64)>>,
    is_stopped: AtomicBool,
}

impl Watch {
    /// Starts to poll the nodes on these hosts.
    ///
    /// # Errors
    /// Returns an error if a namespace cannot be entered.
    pub(super) fn start(hosts: &[Host], http: &str) -> Result<Self, Error> {
        let mut watch = Self {
            seen: Arc::new(Observations {
                statuses: Mutex::new(vec![None; hosts.len()]),
                leases: Mutex::default(),
                tenures: Mutex::default(),
                is_stopped: AtomicBool::new(false),
            }),
            pollers: Vec::new(),
        };
        let url = format!("http://{http}/v1/status");
        for (index, host) in hosts.iter().enumerate() {
            let (seen, url) = (Arc::clone(&watch.seen), url.clone());
            watch
                .pollers
                .push(host.spawn(move || seen.poll(index, &url))?);
        }
        Ok(watch)
    }

    /// Returns the last status of each node; `None` for a node that did not answer.
    pub(super) fn statuses(&self) -> Vec<Option<NodeStatus>> {
        lock(&self.seen.statuses).clone()
    }

    /// Returns the node that holds the leadership of the newest epoch, counted from 0.
    pub(super) fn leader(&self) -> Option<usize> {
        let statuses = self.statuses();
        let epoch_held = |(index, status): (usize, &Option<NodeStatus>)| {
            let status = status.filter(|status| status.holds)?;
            Some((status.epoch, index))
        };
        let newest = statuses.iter().enumerate().filter_map(epoch_held).max();
        newest.map(|(_, index)| index)
    }

    /// Returns the leader that all nodes report, if all their answers are to requests after the
    /// time `since` and the leader holds its leadership. Otherwise returns `None`.
    pub(super) fn agreed_leader(&self, since: u64) -> Option<u64> {
        let statuses = self.statuses().into_iter().collect::<Option<Vec<_>>>()?;
        let first = statuses.first()?;
        let agrees = |status: &NodeStatus| {
            (status.epoch, status.leader) == (first.epoch, first.leader) && status.asked > since
        };
        let leads = |status: &&NodeStatus| status.holds && Some(status.node) == first.leader;
        let leader = statuses.iter().find(leads)?;
        statuses.iter().all(agrees).then_some(leader.node)
    }

    /// Returns the leaderships that nodes have reported as held since the last call of this method.
    pub(super) fn leases(&self) -> Leases {
        std::mem::take(&mut *lock(&self.seen.leases))
    }

    /// Returns the number of elections that were seen: the number of different pairs of epoch and
    /// leader in the answers.
    pub(super) fn elections(&self) -> usize {
        lock(&self.seen.tenures).len()
    }
}

impl Observations {
    fn poll(&self, index: usize, url: &str) {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(1)));
        let agent = config.build().new_agent();
        while !self.is_stopped.load(Ordering::Relaxed) {
            let asked = now();
            let status = request(&agent, url, asked);
            let answered = now();
            lock(&self.statuses)[index] = status;
            if let Some(status) = status {
                if let Some(leader) = status.leader {
                    lock(&self.tenures).insert((status.epoch, leader));
                }
                if status.holds {
                    let holder = Holder {
                        epoch: status.epoch,
                        node: status.node,
                        instance: status.instance,
                    };
                    lock(&self.leases).add(holder, asked, answered);
                }
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Requests the status of a node. Returns `None` if it does not answer.
fn request(agent: &ureq::Agent, url: &str, asked: u64) -> Option<NodeStatus> {
    let text = agent.get(url).call().ok()?.body_mut().read_to_string();
    let status: Value = serde_json::from_str(&text.ok()?).ok()?;
    Some(NodeStatus {
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
        self.seen.is_stopped.store(true, Ordering::Relaxed);
        for poller in self.pollers.drain(..) {
            let _ = poller.join();
        }
    }
}
