use std::{
    boxed::Box,
    collections::HashSet,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
    vec::Vec,
};

use async_trait::async_trait;

use super::{
    clock::Chance,
    transport::{BoxError, Dropped, Inbox, Links, Transport},
};
use crate::{Delay, ElectionAlgorithm, Membership, MembershipError, NodeId};

/// A network within this process, with faults at the caller's word. Cheap to clone: all clones are
/// the same network.
pub struct MemoryNetwork<A: ElectionAlgorithm>(Arc<Net<A>>);

struct Net<A: ElectionAlgorithm> {
    members: Membership,
    ports: Box<[RwLock<Option<Inbox<A>>>]>,
    /// Counts the changes of ports.
    plugged: AtomicU64,
    /// Whether there is any fault to look up.
    faulty: AtomicBool,
    faults: Mutex<Faults>,
}

struct Faults {
    cut: HashSet<(NodeId, NodeId)>,
    loss: f64,
    delay: Delay,
    chance: Chance,
}

impl<A: ElectionAlgorithm> MemoryNetwork<A> {
    /// A network between these nodes, without faults.
    ///
    /// # Errors
    /// If there are no nodes, or one is listed twice.
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
            chance: Chance::random(),
        };
        Self(Arc::new(Net {
            members,
            ports,
            plugged: AtomicU64::new(0),
            faulty: AtomicBool::new(false),
            faults: Mutex::new(faults),
        }))
    }

    /// The nodes of this network.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        self.0.members.nodes()
    }

    /// From now on messages are lost with this probability, 0 to 1.
    pub fn set_loss(&self, probability: f64) {
        self.change(|faults| faults.loss = probability.clamp(0.0, 1.0));
    }

    /// From now on messages take this long. Their order is not kept where the bounds differ.
    pub fn set_delay(&self, delay: Delay) {
        self.change(|faults| faults.delay = delay);
    }

    /// From now on nothing passes between nodes of different groups; a node in no group is on its
    /// own. Replaces what was cut before.
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

    /// From now on nothing passes from one node to another; the way back stays open.
    pub fn cut(&self, from: NodeId, to: NodeId) {
        self.change(|faults| {
            faults.cut.insert((from, to));
        });
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.change(|faults| {
            faults.cut.clear();
            faults.loss = 0.0;
            faults.delay = Delay::ZERO;
        });
    }

    /// The way into this network for one node.
    #[must_use]
    pub fn transport(&self) -> MemoryTransport<A> {
        MemoryTransport(self.clone())
    }

    /// Delivers a message as if `from` had sent it, without faults: for tests that play a peer.
    ///
    /// # Errors
    /// If it was dropped, and why.
    pub fn inject(&self, from: NodeId, to: NodeId, message: A::Message) -> Result<(), Dropped> {
        match &*self.0.port(to).ok_or(Dropped::Closed)?.read_unpoisoned() {
            Some(inbox) => inbox.deliver(from, message),
            None => Err(Dropped::Closed),
        }
    }

    /// Tells every other running node that its connection to this one broke. That need not be so.
    pub fn suspect(&self, peer: NodeId) {
        self.tell_others(peer, Inbox::suspect);
    }

    /// Tells every other running node that this one has died, which must be so.
    pub fn died(&self, peer: NodeId) {
        self.tell_others(peer, Inbox::died);
    }

    /// Tells every other running node that this one is heard again, after one of the two above.
    pub fn returned(&self, peer: NodeId) {
        self.tell_others(peer, Inbox::returned);
    }

    fn tell_others(&self, gone: NodeId, tell: fn(&Inbox<A>, NodeId)) {
        for (&node, port) in self.nodes().iter().zip(&self.0.ports) {
            if node != gone
                && let Some(inbox) = &*port.read_unpoisoned()
            {
                tell(inbox, gone);
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        let mut faults = self.0.faults();
        change(&mut faults);
        let any = !faults.cut.is_empty() || faults.loss > 0.0 || faults.delay != Delay::ZERO;
        self.0.faulty.store(any, Ordering::Release);
    }
}

impl<A: ElectionAlgorithm> Net<A> {
    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn port(&self, node: NodeId) -> Option<&RwLock<Option<Inbox<A>>>> {
        self.ports.get(self.members.position(node)?)
    }

    fn plug(&self, node: NodeId, inbox: Option<Inbox<A>>) {
        if let Some(port) = self.port(node) {
            *port.write().unwrap_or_else(PoisonError::into_inner) = inbox;
            self.plugged.fetch_add(1, Ordering::Release);
        }
    }

    fn pass(&self, from: NodeId, to: NodeId) -> Result<u64, Dropped> {
        let mut faults = self.faults();
        let loss = faults.loss;
        if faults.cut.contains(&(from, to)) || faults.chance.happens(loss) {
            return Err(Dropped::Fault);
        }
        let delay = faults.delay;
        Ok(faults.chance.draw(delay))
    }
}

/// A lock that no panic poisons: what it guards is replaced as a whole.
trait Unpoisoned<T> {
    fn read_unpoisoned(&self) -> std::sync::RwLockReadGuard<'_, T>;
}

impl<T> Unpoisoned<T> for RwLock<T> {
    fn read_unpoisoned(&self) -> std::sync::RwLockReadGuard<'_, T> {
        self.read().unwrap_or_else(PoisonError::into_inner)
    }
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

/// One node's way into a [`MemoryNetwork`].
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
            return Err(std::format!("node {me} has no place in this network").into());
        };
        net.plug(me, Some(inbox));
        Ok(Box::new(MemoryLinks {
            known: Vec::new(),
            plugged: 0,
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
    /// The receivers of the last messages, as of so many changes of ports: they need no lock.
    known: Vec<(NodeId, Inbox<A>)>,
    plugged: u64,
}

/// How many receivers a node remembers. In a network of a thousand nodes all could not.
const MOST_KNOWN: usize = 8;

impl<A: ElectionAlgorithm> MemoryLinks<A> {
    fn inbox(&mut self, to: NodeId) -> Result<&Inbox<A>, Dropped> {
        let plugged = self.net.plugged.load(Ordering::Acquire);
        if self.plugged != plugged {
            self.known.clear();
            self.plugged = plugged;
        }
        let place = match self.known.iter().position(|(node, _)| *node == to) {
            Some(place) => place,
            None => {
                let port = self.net.port(to).ok_or(Dropped::Closed)?;
                let inbox = port.read_unpoisoned().clone().ok_or(Dropped::Closed)?;
                if self.known.len() == MOST_KNOWN {
                    self.known.clear();
                }
                self.known.push((to, inbox));
                self.known.len() - 1
            }
        };
        Ok(&self.known[place].1)
    }
}

impl<A: ElectionAlgorithm> Links<A> for MemoryLinks<A> {
    fn send(&mut self, to: NodeId, message: A::Message) -> Result<(), Dropped> {
        let (place, me) = (self.place, self.me);
        if !self.net.faulty.load(Ordering::Acquire) {
            return self.inbox(to)?.deliver_at(place, me, message);
        }
        let flight = self.net.pass(me, to)?;
        let inbox = self.inbox(to)?;
        if flight == 0 {
            return inbox.deliver_at(place, me, message);
        }
        let inbox = inbox.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_nanos(flight)).await;
            // A message that comes too late for its receiver is lost, as anywhere.
            let _ = inbox.deliver_at(place, me, message);
        });
        Ok(())
    }
}

impl<A: ElectionAlgorithm> Drop for MemoryLinks<A> {
    fn drop(&mut self) {
        self.net.plug(self.me, None);
    }
}
