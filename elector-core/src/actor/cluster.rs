use std::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    fmt,
    string::ToString,
    sync::{Arc, atomic::Ordering},
    time::Duration,
    vec::Vec,
};

use tokio::task::JoinSet;

use super::{
    actor_thread::{ActorThread, shared_threads},
    builder::{DEFAULT_EVENT_CAPACITY, DEFAULT_QUEUE_SHARE},
    cluster_setup::ClusterSetup,
    election_log::{is_logged, log_elections},
    elector::Elector,
    error::StartError,
    launch::{Drive, NodeSetup, ThreadUse, launch},
    memory::MemoryNetwork,
    memory_storage::MemoryStorage,
    requests::Request,
};
use crate::{Configuration, ElectionAlgorithm, Membership, MembershipError, NodeId, Role};

/// A cluster within this process, for tests, examples and benchmarks. Its nodes are real actors
/// that communicate over a [`MemoryNetwork`]. The storage of a node stays when the node is killed,
/// so a restarted node has its saved state.
///
/// All clusters of a process share at most four threads. The nodes use the clock of the machine.
/// The paused time of tokio does not work with a cluster: see the [module](super#paused-time).
///
/// A cluster elects a leader at once, and runs no work by itself. To run work on the leader, call
/// [`lead`](Elector::lead) on each node, in a task of its own. [`running`](Self::running) returns
/// the nodes. Clone the handle of a node to move it into the task.
///
/// ```
/// # use elector_core::{ElectionAlgorithm, actor::{Cluster, StartError}};
/// async fn survives<A: ElectionAlgorithm>() -> Result<(), StartError> {
///     let mut cluster = Cluster::<A>::start(5).await?;
///     for elector in cluster.running() {
///         let elector = elector.clone();
///         tokio::spawn(async move {
///             let work = elector.lead(async |me| {
///                 println!("node {} leads epoch {}", elector.node_id(), me.epoch());
///                 me.lost().await;
///             });
///             work.await
///         });
///     }
///     let first = cluster.leader().await;
///     cluster.kill(first).await; // Like a crash.
///     let second = cluster.leader().await;
///     cluster.restart(first).await?;
///     cluster.isolate(second); // It receives no messages, and no node receives its messages.
///     cluster.next_leader(second).await;
///     cluster.heal();
///     cluster.shutdown().await;
///     Ok(())
/// }
/// ```
///
/// A node that is started again after [`kill`](Self::kill) has a new handle: call `lead` again.
pub struct Cluster<A: ElectionAlgorithm> {
    setup: ClusterSetup<A>,
    members: Membership,
    network: MemoryNetwork<A>,
    disks: BTreeMap<NodeId, MemoryStorage<A::Durable>>,
    running: BTreeMap<NodeId, Elector<A::Guarantee>>,
    /// The nodes whose deaths were reported to the other nodes, and that have not been restarted
    /// since.
    reported_dead: BTreeSet<NodeId>,
    threads: Arc<Vec<ActorThread>>,
    first_thread: usize,
}

impl<A: ElectionAlgorithm> Cluster<A> {
    /// Starts the nodes `1..=nodes` with the default configuration. When a node is killed, its
    /// death is reported to the other nodes.
    ///
    /// # Errors
    /// If a node cannot be started.
    pub async fn start(nodes: u64) -> Result<Self, StartError> {
        Self::start_with(ClusterSetup::new(nodes)).await
    }

    /// Starts a cluster with this setup.
    ///
    /// # Errors
    /// If the setup breaks a rule, or a node cannot be started.
    pub async fn start_with(setup: ClusterSetup<A>) -> Result<Self, StartError> {
        let nodes = setup.nodes.iter().copied();
        let first = nodes.clone().next().ok_or(MembershipError::Empty)?;
        let members = Membership::new(first, nodes)?;
        setup.config.validate(&members)?;
        let (threads, first_thread) = shared_threads().await?;
        let disks = members.nodes().iter();
        let mut cluster = Self {
            network: MemoryNetwork::of(members.clone()),
            disks: disks.map(|&node| (node, MemoryStorage::new())).collect(),
            running: BTreeMap::new(),
            reported_dead: BTreeSet::new(),
            threads,
            first_thread,
            members,
            setup,
        };
        for node in cluster.members.nodes().to_vec() {
            cluster.restart(node).await?;
        }
        Ok(cluster)
    }

    /// Ends a node like a crash: the node sends nothing more, and state that was not saved is lost.
    /// The work of its [`Elector::lead`] ends before the death of the node is reported to the other
    /// nodes. A leadership that the application holds itself (from [`Elector::campaign`]) has also
    /// ended when this method returns. Returns `true` if the node was running.
    pub async fn kill(&mut self, node: impl Into<NodeId>) -> bool {
        let node = node.into();
        let Some(elector) = self.running.remove(&node) else {
            return false;
        };
        let control = elector.control();
        control.shared.killed.store(true, Ordering::Release);
        let leadership = control.shared.current();
        if let Some(leadership) = &leadership {
            leadership.lose();
        }
        control.send(Request::Stop);
        // The node was asked to stop, so the reason of its end does not matter.
        let _ = elector.stopped().await;
        // A crash gives the work no time to clean up.
        control.shared.abort_work();
        // The node may have granted another leadership since `current` was read above. So this call
        // waits for the work of both leaderships. It does not wait for an application that holds a
        // leadership in hand: the application has been notified, and in a real crash it would have
        // ended with the process.
        let ended = control
            .shared
            .work_ended(leadership.as_ref(), Duration::ZERO);
        ended.await;
        if self.setup.reports_deaths {
            self.reported_dead.insert(node);
            self.network.died(node);
        }
        true
    }

    /// Starts a node that does not run, from its saved state. Does nothing if the node runs. A node
    /// that was shut down, or that stopped by itself, counts as a node that does not run.
    ///
    /// # Errors
    /// If the node cannot be started, or is not in the cluster.
    pub async fn restart(&mut self, node: impl Into<NodeId>) -> Result<(), StartError> {
        let node = node.into();
        match self.running.get(&node) {
            Some(elector) if !elector.control().shared.has_ended() => return Ok(()),
            Some(_) => {
                self.kill(node).await;
            }
            None => {}
        }
        let not_a_member = MembershipError::NotAMember(node);
        let members = self.members.seen_from(node).ok_or(not_a_member)?;
        let disk = self.disks.get(&node).ok_or(not_a_member)?.clone();
        let place = members.position(node).unwrap_or(0);
        let thread = &self.threads[(self.first_thread + place) % self.threads.len()];
        let node_setup = NodeSetup {
            name: A::NAME.to_string(),
            members,
            config: self.setup.config.clone(),
            transport: Some(Box::new(self.network.transport())),
            storage: Box::new(disk),
            share: DEFAULT_QUEUE_SHARE,
            events: DEFAULT_EVENT_CAPACITY,
            drive: Drive::Clock,
        };
        let started = launch(node_setup, thread, ThreadUse::Shared).await?;
        if is_logged() {
            log_elections(&started.handle, A::NAME.to_string());
        }
        self.running.insert(node, started.elector());
        if self.reported_dead.remove(&node) {
            self.network.returned(node);
        }
        Ok(())
    }

    /// Cuts all links between nodes of different groups from now on. A node in no group is alone.
    pub fn partition(&self, groups: &[&[NodeId]]) {
        self.network.partition(groups);
    }

    /// Cuts this node off from all other nodes.
    pub fn isolate(&self, node: impl Into<NodeId>) {
        let node = node.into();
        let others: Vec<NodeId> = self.others(node).collect();
        self.network.partition(&[&others, &[node]]);
    }

    /// Ends all faults of the network.
    pub fn heal(&self) {
        self.network.heal();
    }

    /// Returns the network. Its methods cause further faults: lost messages, delays, and cuts in
    /// one direction.
    #[must_use]
    pub fn network(&self) -> &MemoryNetwork<A> {
        &self.network
    }

    /// Returns all nodes, running or not, in ascending order.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        self.members.nodes()
    }

    /// Returns the handle of a running node.
    #[must_use]
    pub fn node(&self, node: impl Into<NodeId>) -> Option<&Elector<A::Guarantee>> {
        self.running.get(&node.into())
    }

    /// Returns the handles of all running nodes, in ascending order.
    pub fn running(&self) -> impl Iterator<Item = &Elector<A::Guarantee>> {
        self.running.values()
    }

    /// Waits until a majority of all nodes follows one leader in one epoch, and the leader itself
    /// reports that it leads this epoch. Returns the leader. There is no time limit: use
    /// `tokio::time::timeout`.
    ///
    /// A leader that was cut off is still the leader until the other nodes have noticed the cut.
    /// After a fault that the leader survives, use [`next_leader`](Self::next_leader).
    pub async fn leader(&self) -> NodeId {
        self.leader_other_than(None).await
    }

    /// Does the same as [`leader`](Self::leader), for a leader other than `old`. Use this method
    /// after [`isolate`](Self::isolate), [`partition`](Self::partition) or a step-down: until the
    /// next election, `leader` still returns the old leader.
    ///
    /// Under a quorum algorithm the epoch of the next leader is higher than that of the old one.
    /// This method waits for ever if no node other than `old` can be elected.
    ///
    /// ```
    /// # use elector_core::{ElectionAlgorithm, actor::{Cluster, StartError}};
    /// # async fn example<A: ElectionAlgorithm>() -> Result<(), StartError> {
    /// let cluster = Cluster::<A>::start(3).await?;
    /// let first = cluster.leader().await;
    /// cluster.isolate(first);
    /// let second = cluster.next_leader(first).await;
    /// assert_ne!(first, second);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn next_leader(&self, old: impl Into<NodeId>) -> NodeId {
        self.leader_other_than(Some(old.into())).await
    }

    async fn leader_other_than(&self, old: Option<NodeId>) -> NodeId {
        loop {
            let mut changes = JoinSet::new();
            for elector in self.running.values() {
                let mut status = elector.subscribe();
                status.mark_unchanged();
                changes.spawn(async move { status.changed().await.is_ok() });
            }
            if let Some(leader) = self.agreed_other_than(old) {
                return leader;
            }
            if changes.join_next().await.is_none() {
                // No node runs, and no node can start while this future borrows the cluster. So no
                // leader can appear.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Returns the leader that a majority follows now; `None` if there is no such leader.
    #[must_use]
    pub fn agreed(&self) -> Option<NodeId> {
        self.agreed_other_than(None)
    }

    fn agreed_other_than(&self, old: Option<NodeId>) -> Option<NodeId> {
        let candidates = self.running.iter().filter(|&(&node, _)| Some(node) != old);
        let leading = candidates.filter_map(|(&node, elector)| {
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

    /// Stops all nodes together. First the work on all nodes ends, and only then all nodes stop. If
    /// the nodes stopped one after the other, another node could be elected and start its work
    /// during the shutdown.
    pub async fn shutdown(self) {
        let mut ending = JoinSet::new();
        for elector in self.running.values() {
            let control = elector.control().clone();
            ending.spawn(async move { control.end_work().await });
        }
        ending.join_all().await;
        for elector in self.running.values() {
            elector.control().send(Request::Stop);
        }
        for elector in self.running.values() {
            // An error means that the node had already stopped by itself. The call only waits for
            // the end of the node.
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

impl<A: ElectionAlgorithm> fmt::Debug for Cluster<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("algorithm", &A::NAME)
            .field("nodes", &self.nodes())
            .field("running", &self.running.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
