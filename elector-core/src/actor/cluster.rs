use std::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::NonZeroUsize,
    string::{String, ToString},
    sync::{Arc, atomic::Ordering},
    thread,
    time::Duration,
    vec::Vec,
};

use tokio::{sync::OnceCell, task::JoinSet};

use super::{
    builder::{EVENTS, SHARE},
    elector::Elector,
    error::StartError,
    lane::Lane,
    launch::{Drive, LaneUse, Plan, launch},
    memory::MemoryNetwork,
    memory_storage::MemoryStorage,
    messages::Order,
};
use crate::{Configuration, ElectionAlgorithm, Membership, MembershipError, NodeId, Role};

/// How many threads all clusters of this process share.
const MOST_LANES: usize = 4;

/// How a [`Cluster`] is made.
#[derive(Clone, Debug)]
pub struct ClusterSetup<A: ElectionAlgorithm> {
    /// The nodes; ids need not be consecutive.
    pub nodes: Vec<NodeId>,
    /// The algorithm's configuration, the same on every node.
    pub config: A::Config,
    /// Whether the others are told at once when a node is killed. The cluster has seen it end, so
    /// that this is a proof: see [`Input::Died`](crate::Input::Died). Without it they find out by
    /// its silence.
    pub hints: bool,
}

impl<A: ElectionAlgorithm> ClusterSetup<A> {
    /// Nodes `1..=nodes`, default configuration, hints on.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        Self {
            nodes: (1..=nodes).map(NodeId).collect(),
            config: A::Config::default(),
            hints: true,
        }
    }
}

/// A cluster within this process, for tests, examples and benchmarks: real actors over a
/// [`MemoryNetwork`], with storage that outlives its node.
///
/// All clusters of a process share a few threads, four at most.
///
/// ```
/// # use elector_core::{ElectionAlgorithm, actor::{Cluster, StartError}};
/// async fn survives<A: ElectionAlgorithm>() -> Result<(), StartError> {
///     let mut cluster = Cluster::<A>::start(5).await?;
///     let first = cluster.leader().await;
///     cluster.kill(first).await;
///     let second = cluster.leader().await;
///     cluster.restart(first).await?;
///     cluster.isolate(second); // It hears nobody any more, and nobody hears it.
///     cluster.heal();
///     cluster.shutdown().await;
///     Ok(())
/// }
/// ```
pub struct Cluster<A: ElectionAlgorithm> {
    setup: ClusterSetup<A>,
    members: Membership,
    network: MemoryNetwork<A>,
    disks: BTreeMap<NodeId, MemoryStorage<A::Durable>>,
    running: BTreeMap<NodeId, Elector<A::Guarantee>>,
    /// The nodes that the others were told have died.
    gone: BTreeSet<NodeId>,
    lanes: Arc<Vec<Lane>>,
    first_lane: usize,
}

impl<A: ElectionAlgorithm> Cluster<A> {
    /// Starts nodes `1..=nodes` with the default configuration and hints on.
    ///
    /// # Errors
    /// If a node cannot be started.
    pub async fn start(nodes: u64) -> Result<Self, StartError> {
        Self::start_with(ClusterSetup::new(nodes)).await
    }

    /// Starts a cluster.
    ///
    /// # Errors
    /// If the setup breaks a rule, or a node cannot be started.
    pub async fn start_with(setup: ClusterSetup<A>) -> Result<Self, StartError> {
        let nodes = setup.nodes.iter().copied();
        let first = nodes.clone().next().ok_or(MembershipError::Empty)?;
        let members = Membership::new(first, nodes)?;
        setup.config.validate(&members)?;
        let (lanes, first_lane) = lanes().await?;
        let disks = members.nodes().iter();
        let mut cluster = Self {
            network: MemoryNetwork::of(members.clone()),
            disks: disks.map(|&node| (node, MemoryStorage::new())).collect(),
            running: BTreeMap::new(),
            gone: BTreeSet::new(),
            lanes,
            first_lane,
            members,
            setup,
        };
        for node in cluster.members.nodes().to_vec() {
            cluster.restart(node).await?;
        }
        Ok(cluster)
    }

    /// Ends a node as a crash does: nothing more leaves it, what was not saved is lost, and the
    /// work of its [`Elector::lead`] has ended before the others hear of it; a guard in hand is
    /// over. Whether it ran.
    pub async fn kill(&mut self, node: impl Into<NodeId>) -> bool {
        let node = node.into();
        let Some(elector) = self.running.remove(&node) else {
            return false;
        };
        let control = elector.control();
        control.shared.killed.store(true, Ordering::Release);
        let tenure = control.shared.current();
        if let Some(tenure) = &tenure {
            tenure.lose();
        }
        control.order(Order::Stop);
        // It was told to; how it ended is of no interest any more.
        let _ = elector.stopped().await;
        // There is no time to clean up in a crash.
        control.shared.cut_short();
        // It may have granted one after that look. A guard in hand has been told; in a crash its
        // holder would be gone.
        let ended = control.shared.work_ended(tenure.as_ref(), Duration::ZERO);
        ended.await;
        if self.setup.hints {
            self.gone.insert(node);
            self.network.died(node);
        }
        true
    }

    /// Starts a node that does not run, from what it had saved; one that runs is left alone. One
    /// that was shut down, or stopped by itself, does not run.
    ///
    /// # Errors
    /// If it cannot be started, or is not in the cluster.
    pub async fn restart(&mut self, node: impl Into<NodeId>) -> Result<(), StartError> {
        let node = node.into();
        match self.running.get(&node) {
            Some(elector) if !elector.control().shared.has_ended() => return Ok(()),
            Some(_) => {
                self.kill(node).await;
            }
            None => {}
        }
        let stranger = MembershipError::NotAMember(node);
        let members = self.members.seen_from(node).ok_or(stranger)?;
        let disk = self.disks.get(&node).ok_or(stranger)?.clone();
        let place = members.position(node).unwrap_or(0);
        let lane = &self.lanes[(self.first_lane + place) % self.lanes.len()];
        let plan = Plan {
            name: A::NAME.to_string(),
            members,
            config: self.setup.config.clone(),
            transport: Some(Box::new(self.network.transport())),
            storage: Box::new(disk),
            share: SHARE,
            events: EVENTS,
            drive: Drive::Clock,
        };
        let started = launch(plan, lane, LaneUse::Shared).await?;
        self.running.insert(node, started.elector());
        if self.gone.remove(&node) {
            self.network.returned(node);
        }
        Ok(())
    }

    /// From now on nothing passes between nodes of different groups; a node in no group is on its
    /// own.
    pub fn partition(&self, groups: &[&[NodeId]]) {
        self.network.partition(groups);
    }

    /// Cuts this node off from all others.
    pub fn isolate(&self, node: impl Into<NodeId>) {
        let node = node.into();
        let others: Vec<NodeId> = self.others(node).collect();
        self.network.partition(&[&others, &[node]]);
    }

    /// Ends all faults of the network.
    pub fn heal(&self) {
        self.network.heal();
    }

    /// The network, for finer faults.
    #[must_use]
    pub fn network(&self) -> &MemoryNetwork<A> {
        &self.network
    }

    /// All nodes, running or not, in ascending order.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        self.members.nodes()
    }

    /// The handle of a node that runs.
    #[must_use]
    pub fn node(&self, node: impl Into<NodeId>) -> Option<&Elector<A::Guarantee>> {
        self.running.get(&node.into())
    }

    /// The handles of all nodes that run, in ascending order.
    pub fn running(&self) -> impl Iterator<Item = &Elector<A::Guarantee>> {
        self.running.values()
    }

    /// Waits until a majority of all nodes follows one leader in one epoch, and that leader
    /// itself leads it; then names it. Waits for as long as that takes.
    pub async fn leader(&self) -> NodeId {
        loop {
            let mut changes = JoinSet::new();
            for elector in self.running.values() {
                let mut status = elector.subscribe();
                status.mark_unchanged();
                changes.spawn(async move { status.changed().await.is_ok() });
            }
            if let Some(leader) = self.agreed() {
                return leader;
            }
            if changes.join_next().await.is_none() {
                // Nothing runs, and nothing will while this waits.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The leader that a majority follows now.
    #[must_use]
    pub fn agreed(&self) -> Option<NodeId> {
        let leading = self.running.iter().filter_map(|(&node, elector)| {
            let status = elector.status();
            (status.role == Role::Leader).then_some((status.epoch, node))
        });
        let (epoch, leader) = leading.max()?;
        let statuses = self.running.values().map(|elector| elector.status());
        let following = statuses
            .filter(|status| (status.epoch, status.leader) == (epoch, Some(leader)))
            .count();
        (following >= self.members.majority()).then_some(leader)
    }

    /// Stops all nodes together: first all work ends, then all nodes stop, and nobody is elected in
    /// between.
    pub async fn shutdown(self) {
        let mut ending = JoinSet::new();
        for elector in self.running.values() {
            let control = elector.control().clone();
            ending.spawn(async move { control.end_work().await });
        }
        ending.join_all().await;
        for elector in self.running.values() {
            elector.control().order(Order::Stop);
        }
        for elector in self.running.values() {
            // One that has stopped by itself is as good; after that this only waits.
            let _ = elector.shutdown().await;
        }
    }

    fn others(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        self.nodes()
            .iter()
            .copied()
            .filter(move |&other| other != node)
    }
}

/// The threads of all clusters, and which of them this one begins with.
async fn lanes() -> Result<(Arc<Vec<Lane>>, usize), StartError> {
    static LANES: OnceCell<Arc<Vec<Lane>>> = OnceCell::const_new();
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let started = LANES.get_or_try_init(|| async {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut lanes = Vec::new();
        for number in 0..cores.min(MOST_LANES) {
            let name: String = std::format!("elector-{number}");
            let lane = Lane::start(name).await;
            lanes.push(lane.map_err(|error| StartError::Thread(error.into()))?);
        }
        Ok::<_, StartError>(Arc::new(lanes))
    });
    let lanes = started.await?;
    Ok((Arc::clone(lanes), NEXT.fetch_add(1, Ordering::Relaxed)))
}

impl<A: ElectionAlgorithm> fmt::Debug for Cluster<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("algorithm", &A::NAME)
            .field("nodes", &self.nodes())
            .field("running", &self.running.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
