use std::{
    fmt,
    future::ready,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use elector_core::{
    Epoch, FencingToken, NodeId, Role, View,
    actor::{NodeError, NodeHandle, Status},
};
use tokio::{task::coop::unconstrained, time::timeout};

use super::{
    options::{Names, Peers},
    report::{LeaderReport, PeerStatus, StatusReport, millis, rfc3339},
};
use crate::link::lock;

/// A node, and the data about the node that the service keeps between two requests.
pub(super) struct ServedNode {
    pub(super) handle: NodeHandle,
    pub(super) cluster: String,
    names: Names,
    /// The address at which peers reach this node.
    address: Option<String>,
    peers: Option<Box<dyn Peers>>,
    /// A random number that identifies this life of the node, which is the run of its process. From
    /// this number, a reader of events notices a restart.
    pub(super) instance: u64,
    started: Instant,
    last: Mutex<LastStatus>,
    tenures: AtomicU64,
    /// The nodes that voted when the members were last read.
    voters: Mutex<Vec<NodeId>>,
}

/// How long the thread of the node may take to report the members.
const REPORT_TIMEOUT: Duration = Duration::from_millis(200);

/// The most recent status, the time of its last change, and the tenure that was counted last. A
/// tenure is the time in which one node leads one epoch.
struct LastStatus {
    key: StatusKey,
    since: SystemTime,
    tenure: Option<(Epoch, NodeId)>,
}

/// The parts of a status that are compared. If one of them differs, the status has changed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct StatusKey {
    role: Role,
    leader: Option<NodeId>,
    epoch: Epoch,
    holds: bool,
}

impl StatusKey {
    fn of(status: &Status) -> Self {
        Self {
            role: status.role,
            leader: status.leader,
            epoch: status.epoch,
            holds: status.holds_leadership(),
        }
    }

    /// Returns the time at which this status changed to `next`. `status` has the time of the last
    /// change of role, leader or epoch. If only the leadership has changed, the time of the change
    /// is not known. Then this method returns the present time, at which the service has noticed
    /// the change.
    fn changed_at(self, next: &Self, status: &Status) -> SystemTime {
        let now = SystemTime::now();
        let held_as = Self {
            holds: next.holds,
            ..self
        };
        if held_as == *next {
            return now;
        }
        now.checked_sub(status.since.elapsed()).unwrap_or(now)
    }
}

/// The state of a node at the moment of a request.
pub(super) struct CurrentStatus {
    pub(super) status: Status,
    pub(super) holds: bool,
    pub(super) lease: Option<Duration>,
    token: Option<FencingToken>,
    since: SystemTime,
}

impl ServedNode {
    pub(super) fn new(
        handle: NodeHandle,
        cluster: String,
        names: Names,
        address: Option<String>,
        peers: Option<Box<dyn Peers>>,
    ) -> Self {
        let status = handle.status();
        let since = SystemTime::now().checked_sub(status.since.elapsed());
        let last = LastStatus {
            key: StatusKey::of(&status),
            since: since.unwrap_or(SystemTime::UNIX_EPOCH),
            tenure: None,
        };
        let node = Self {
            handle,
            cluster,
            names,
            address,
            peers,
            instance: RandomState::new().build_hasher().finish(),
            started: Instant::now(),
            last: Mutex::new(last),
            tenures: AtomicU64::new(0),
            voters: Mutex::default(),
        };
        node.count_tenure(View {
            epoch: status.epoch,
            leader: status.leader,
            role: status.role,
        });
        node
    }

    /// Counts the tenure in a view, which is the pair of epoch and leader. Does nothing if the view
    /// has no leader, or if the same tenure was counted last.
    pub(super) fn count_tenure(&self, view: View) {
        let Some(leader) = view.leader else {
            return;
        };
        let mut last = lock(&self.last);
        if last.tenure.replace((view.epoch, leader)) != Some((view.epoch, leader)) {
            self.tenures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn tenures(&self) -> u64 {
        self.tenures.load(Ordering::Relaxed)
    }

    /// Returns the current state of the node, and notices whether it has changed. The service also
    /// calls this method at every event of the node. So the recorded time of a change is close to
    /// the change, even if the next request comes much later.
    pub(super) fn current(&self) -> CurrentStatus {
        // The status is read under the lock. So of two requests at the same time, the one that gets
        // the lock later has the later status.
        let mut last = lock(&self.last);
        let status = self.handle.status();
        // The lease and the token are read before the key, which contains whether the node holds
        // the leadership. If the lease ends between the two reads, the result has no lease and no
        // leadership. In the other order, the result could be a leadership without a lease.
        let (lease, token) = (status.lease_remaining(), status.fencing_token());
        let key = StatusKey::of(&status);
        if last.key != key {
            last.since = last.key.changed_at(&key, &status);
            last.key = key;
        }
        CurrentStatus {
            status,
            holds: key.holds,
            lease: lease.filter(|_| key.holds),
            token: token.filter(|_| key.holds),
            since: last.since,
        }
    }

    /// Returns the reason why the node has stopped; `None` if it runs.
    pub(super) async fn stop_reason(&self) -> Option<String> {
        let end = tokio::select! {
            biased;
            end = unconstrained(self.handle.stopped()) => end,
            () = ready(()) => return None,
        };
        Some(end_reason(end))
    }

    /// Returns the reason why the node is not live: the node has stopped, or its thread has not
    /// answered within `limit`. Returns `None` if the node is live.
    pub(super) async fn failure(&self, limit: Duration) -> Option<String> {
        if let Some(end) = self.stop_reason().await {
            return Some(end);
        }
        match timeout(limit, self.handle.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!(
                "the thread of the node has not answered within {limit:?}: it waits for its disk, \
                 or gets no CPU time; if that lasts, restart the node"
            )),
        }
    }

    pub(super) fn me(&self) -> NodeId {
        self.handle.members().me()
    }

    pub(super) fn connections(&self) -> Option<Vec<PeerStatus>> {
        self.peers.as_ref().map(|peers| peers.peers())
    }

    /// Returns the address at which this node dials another node. For this node itself, returns its
    /// own address.
    pub(super) fn address_of(&self, node: NodeId) -> Option<String> {
        if node == self.me() {
            return self.address.clone();
        }
        self.peers.as_ref()?.address_of(node)
    }

    /// Gives this node the address of another node. Returns `false` if this node cannot use the
    /// address.
    pub(super) fn add_address(&self, node: NodeId, address: &str) -> bool {
        let is_known = self.address_of(node).as_deref() == Some(address);
        is_known
            || self
                .peers
                .as_ref()
                .is_some_and(|peers| peers.add_address(node, address))
    }

    /// Returns the nodes that vote, in ascending order.
    pub(super) async fn voters(&self) -> Vec<NodeId> {
        if !self.handle.changes_members() {
            return self.handle.members().nodes().to_vec();
        }
        // The node's thread may hang. That must not delay the status, in which an operator looks
        // for the reason.
        let report = timeout(REPORT_TIMEOUT, self.handle.members_report()).await;
        let mut last = lock(&self.voters);
        if let Ok(Ok(report)) = report {
            *last = report.voters();
        }
        last.clone()
    }

    /// Returns `true` if a majority of the voters are this node or peers that are connected to it.
    /// Without information about peers, this is possible only in a cluster of one node.
    pub(super) async fn reaches_majority(&self) -> bool {
        let voters = self.voters().await;
        let peers = self.connections().unwrap_or_default();
        let is_connected = |voter: &&NodeId| {
            **voter == self.me()
                || peers
                    .iter()
                    .any(|peer| peer.connected && peer.id == **voter)
        };
        voters.iter().filter(is_connected).count() > voters.len() / 2
    }

    pub(super) fn leader_report(&self, current: &CurrentStatus) -> LeaderReport {
        let status = &current.status;
        let acts = current.holds || status.leader != Some(self.me());
        let name = status.leader.filter(|_| acts).map(&self.names);
        let address = match status.leader {
            Some(leader) if leader == self.me() => self.address.clone(),
            Some(leader) => {
                let mut peers = self.connections().unwrap_or_default().into_iter();
                peers
                    .find(|peer| peer.id == leader)
                    .and_then(|peer| peer.address)
            }
            None => None,
        };
        LeaderReport {
            name: name.unwrap_or_default(),
            last_update: rfc3339(current.since),
            node: self.me(),
            leader: status.leader,
            address,
            role: status.role,
            epoch: status.epoch,
            holds_leadership: current.holds,
            fencing_token: current.token,
            fencing_token_text: current.token.map(|token| token.to_string()),
            cluster: self.cluster.clone(),
            algorithm: self.handle.algorithm().to_owned(),
            guarantee: self.handle.guarantee(),
        }
    }

    pub(super) async fn status_report(&self) -> StatusReport {
        let stopped = self.stop_reason().await;
        let current = self.current();
        let status = &current.status;
        StatusReport {
            node: self.me(),
            name: (self.names)(self.me()),
            cluster: self.cluster.clone(),
            algorithm: self.handle.algorithm().to_owned(),
            guarantee: self.handle.guarantee(),
            version: super::VERSION.to_owned(),
            instance: format!("{:016x}", self.instance),
            uptime_ms: millis(self.started.elapsed()),
            stopped,
            role: status.role,
            leader: status.leader,
            leader_name: status.leader.map(&self.names),
            votes: self.handle.votes(),
            epoch: status.epoch,
            holds_leadership: current.holds,
            lease_remaining_ms: current.lease.map(millis),
            fencing_token: current.token,
            fencing_token_text: current.token.map(|token| token.to_string()),
            since: rfc3339(current.since),
            members: self.voters().await,
            peers: self.connections(),
            work: (&status.work).into(),
            traffic: self.handle.traffic().into(),
        }
    }
}

/// Returns the reason why a node ended, as text.
pub(super) fn end_reason(end: Result<(), NodeError>) -> String {
    match end {
        Err(error) => error.to_string(),
        Ok(()) => "the node was shut down".to_owned(),
    }
}

impl fmt::Debug for ServedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedNode")
            .field("cluster", &self.cluster)
            .field("node", &self.me())
            .finish_non_exhaustive()
    }
}
