use std::{
    boxed::Box,
    collections::HashSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
    vec::Vec,
};

use async_trait::async_trait;

use super::{
    clock::Rng,
    transport::{BoxError, Dropped, Inbox, Links, Transport},
};
use crate::{Delay, ElectionAlgorithm, Membership, MembershipError, NodeId};

/// A network within this process, with faults on request. A clone is cheap, and refers to the same
/// network.
pub struct MemoryNetwork<A: ElectionAlgorithm>(Arc<Net<A>>);

struct Net<A: ElectionAlgorithm> {
    members: Membership,
    ports: Box<[RwLock<Option<Inbox<A>>>]>,
    /// Counts the changes of ports. The port of a node contains its [`Inbox`]: a node opens its
    /// port when it starts, and closes the port when it stops.
    port_changes: AtomicU64,
    /// `false` if the network has no fault now. Then a message is sent without the lock of
    /// `faults`.
    has_faults: AtomicBool,
    faults: Mutex<Faults>,
}

struct Faults {
    cut: HashSet<(NodeId, NodeId)>,
    loss: f64,
    delay: Delay,
    rng: Rng,
}

impl<A: ElectionAlgorithm> MemoryNetwork<A> {
    /// Creates a network between these nodes, without faults.
    ///
    /// # Errors
    /// If there are no nodes, or if a node is listed twice.
    pub fn new(nodes: impl IntoIterator<Item = NodeId>) -> Result<Self, MembershipError> {
        let nodes: Vec<NodeId> = nodes.into_iter().collect();
        let first = nodes.first().copied().ok_or(MembershipError::Empty)?;
        Ok(Self::of(Membership::new(first, nodes)?))
    }

    pub(super) fn of(members: Membership) -> Self {
        let ports = members.nodes().iter().map(|_| RwLock::new(None)).collect();
        let faults = Faults {
            cut: HashSet::new(),
            loss: 0.0,
            delay: Delay::ZERO,
            rng: Rng::random(),
        };
        Self(Arc::new(Net {
            members,
            ports,
            port_changes: AtomicU64::new(0),
            has_faults: AtomicBool::new(false),
            faults: Mutex::new(faults),
        }))
    }

    /// Returns the nodes of this network.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        self.0.members.nodes()
    }

    /// Loses messages with this probability, 0 to 1, from now on.
    pub fn set_loss(&self, probability: f64) {
        self.change(|faults| faults.loss = probability.clamp(0.0, 1.0));
    }

    /// Delays each message by a random time within the bounds of `delay`, from now on. If the
    /// bounds differ, messages may overtake each other.
    pub fn set_delay(&self, delay: Delay) {
        self.change(|faults| faults.delay = delay);
    }

    /// Cuts all links between nodes of different groups from now on. A node in no group is alone.
    /// These cuts replace all previous cuts.
    pub fn partition(&self, groups: &[&[NodeId]]) {
        let group = |node: NodeId| groups.iter().position(|group| group.contains(&node));
        let nodes = self.nodes();
        let pairs = nodes
            .iter()
            .flat_map(|&from| nodes.iter().map(move |&to| (from, to)));
        let apart = pairs.filter(|&(from, to)| group(from).is_none() || group(from) != group(to));
        let cut = apart.collect();
        self.change(|faults| faults.cut = cut);
    }

    /// Cuts the link from one node to another from now on. The other direction stays open.
    pub fn cut(&self, from: NodeId, to: NodeId) {
        self.change(|faults| {
            faults.cut.insert((from, to));
        });
    }

    /// Ends all faults of the network: cuts, losses and delays.
    pub fn heal(&self) {
        self.change(|faults| {
            faults.cut.clear();
            faults.loss = 0.0;
            faults.delay = Delay::ZERO;
        });
    }

    /// Returns the transport of this network for one node.
    #[must_use]
    pub fn transport(&self) -> MemoryTransport<A> {
        MemoryTransport(self.clone())
    }

    /// Delivers a message as if `from` had sent it. The faults of the network do not affect the
    /// message. This method is for tests that act as a peer.
    ///
    /// # Errors
    /// The reason, if the message was dropped.
    pub fn inject(&self, from: NodeId, to: NodeId, message: A::Message) -> Result<(), Dropped> {
        match &*read(self.0.port(to).ok_or(Dropped::Closed)?) {
            Some(inbox) => inbox.deliver(from, message),
            None => Err(Dropped::Closed),
        }
    }

    /// Reports to every other running node that its connection to `peer` broke. The report need not
    /// be true.
    pub fn suspect(&self, peer: NodeId) {
        self.notify_others(peer, Inbox::suspect);
    }

    /// Reports to every other running node that `peer` has died. The report must be true.
    pub fn died(&self, peer: NodeId) {
        self.notify_others(peer, Inbox::died);
    }

    /// Reports to every other running node that `peer` can be reached again, after a report by
    /// [`suspect`](Self::suspect) or [`died`](Self::died).
    pub fn returned(&self, peer: NodeId) {
        self.notify_others(peer, Inbox::returned);
    }

    fn notify_others(&self, peer: NodeId, notify: fn(&Inbox<A>, NodeId)) {
        for (&node, port) in self.nodes().iter().zip(&self.0.ports) {
            if node != peer
                && let Some(inbox) = &*read(port)
            {
                notify(inbox, peer);
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        let mut faults = self.0.faults();
        change(&mut faults);
        let any = !faults.cut.is_empty() || faults.loss > 0.0 || faults.delay != Delay::ZERO;
        self.0.has_faults.store(any, Ordering::Release);
    }
}

impl<A: ElectionAlgorithm> Net<A> {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn port(&self, node: NodeId) -> Option<&RwLock<Option<Inbox<A>>>> {
        self.ports.get(self.members.position(node)?)
    }

    fn set_port(&self, node: NodeId, inbox: Option<Inbox<A>>) {
        if let Some(port) = self.port(node) {
            *port.write().unwrap_or_else(PoisonError::into_inner) = inbox;
            self.port_changes.fetch_add(1, Ordering::Release);
        }
    }

    fn apply_faults(&self, from: NodeId, to: NodeId) -> Result<Duration, Dropped> {
        let mut faults = self.faults();
        let loss = faults.loss;
        if faults.cut.contains(&(from, to)) || faults.rng.happens(loss) {
            return Err(Dropped::Fault);
        }
        let delay = faults.delay;
        Ok(faults.rng.draw(delay))
    }
}

/// Locks a value for reading, even after a panic of a thread that held the lock: the value is
/// always replaced as a whole, so it is valid.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

impl<A: ElectionAlgorithm> Clone for MemoryNetwork<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: ElectionAlgorithm> fmt::Debug for MemoryNetwork<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryNetwork").field(&self.nodes()).finish()
    }
}

/// The transport of one node in a [`MemoryNetwork`].
#[derive(Debug)]
pub struct MemoryTransport<A: ElectionAlgorithm>(MemoryNetwork<A>);

#[async_trait]
impl<A: ElectionAlgorithm> Transport<A> for MemoryTransport<A> {
    async fn open(
        self: Box<Self>,
        members: &Membership,
        inbox: Inbox<A>,
    ) -> Result<Box<dyn Links<A>>, BoxError> {
        let net = (self.0).0;
        let me = members.me();
        let Some(place) = net.members.position(me) else {
            return Err(std::format!("node {me} is not in this network").into());
        };
        net.set_port(me, Some(inbox));
        Ok(Box::new(MemoryLinks {
            cached: Vec::new(),
            port_changes: 0,
            net,
            me,
            place,
        }))
    }
}

struct MemoryLinks<A: ElectionAlgorithm> {
    net: Arc<Net<A>>,
    me: NodeId,
    place: usize,
    /// The inboxes of the last receivers, so that a message to them needs no lock. The cached
    /// inboxes are valid until `Net::port_changes` differs from the field `port_changes` below.
    cached: Vec<(NodeId, Inbox<A>)>,
    port_changes: u64,
}

/// How many inboxes of receivers a node caches. In a network of a thousand nodes, caches of all
/// inboxes would need too much memory.
const MAX_CACHED: usize = 8;

impl<A: ElectionAlgorithm> MemoryLinks<A> {
    fn inbox(&mut self, to: NodeId) -> Result<&Inbox<A>, Dropped> {
        let port_changes = self.net.port_changes.load(Ordering::Acquire);
        if self.port_changes != port_changes {
            self.cached.clear();
            self.port_changes = port_changes;
        }
        let place = match self.cached.iter().position(|(node, _)| *node == to) {
            Some(place) => place,
            None => {
                let port = self.net.port(to).ok_or(Dropped::Closed)?;
                let inbox = read(port).clone().ok_or(Dropped::Closed)?;
                if self.cached.len() == MAX_CACHED {
                    self.cached.clear();
                }
                self.cached.push((to, inbox));
                self.cached.len() - 1
            }
        };
        Ok(&self.cached[place].1)
    }
}

impl<A: ElectionAlgorithm> Links<A> for MemoryLinks<A> {
    fn send(&mut self, to: NodeId, message: A::Message) -> Result<(), Dropped> {
        let (place, me) = (self.place, self.me);
        if !self.net.has_faults.load(Ordering::Acquire) {
            return self.inbox(to)?.deliver_at(place, me, message);
        }
        let flight = self.net.apply_faults(me, to)?;
        let inbox = self.inbox(to)?;
        if flight.is_zero() {
            return inbox.deliver_at(place, me, message);
        }
        let inbox = inbox.clone();
        tokio::spawn(async move {
            tokio::time::sleep(flight).await;
            // If the receiver has stopped, or its queue is full, the message is lost, as in any
            // network.
            let _ = inbox.deliver_at(place, me, message);
        });
        Ok(())
    }
}

impl<A: ElectionAlgorithm> Drop for MemoryLinks<A> {
    fn drop(&mut self) {
        self.net.set_port(self.me, None);
    }
}
