use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use elector_core::NodeId;

use crate::{link::Link, wire::rejection::Rejection};

/// The links to all peers of a node, and the numbers of rejected connections.
#[derive(Debug)]
pub(crate) struct PeerLinks {
    /// The links, in the order of the membership.
    pub(crate) all: Box<[Arc<Link>]>,
    rejected: [AtomicU64; Rejection::LABELS.len()],
    is_stopping: AtomicBool,
}

impl PeerLinks {
    pub(crate) fn new(links: impl IntoIterator<Item = Link>) -> Self {
        Self {
            all: links.into_iter().map(Arc::new).collect(),
            rejected: Default::default(),
            is_stopping: AtomicBool::new(false),
        }
    }

    /// Records that the node is about to stop. From now on, outages are not logged.
    pub(crate) fn set_stopping(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    pub(crate) fn of(&self, node: NodeId) -> Option<&Arc<Link>> {
        self.all.iter().find(|link| link.node == node)
    }

    /// Returns `true` if this is an address of a peer.
    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        self.at(address).next().is_some()
    }

    /// Returns the peer at this address if exactly one peer has this address.
    pub(crate) fn only_at(&self, address: IpAddr) -> Option<&Link> {
        let mut links = self.at(address);
        let link = links.next()?;
        links.next().is_none().then_some(link)
    }

    fn at(&self, address: IpAddr) -> impl Iterator<Item = &Link> {
        let links = self.all.iter().map(Arc::as_ref);
        links.filter(move |link| link.known_addresses.contains(address))
    }

    pub(crate) fn count(&self, rejection: &Rejection) {
        self.rejected[rejection.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of rejected connections for each kind of rejection.
    pub(crate) fn rejected(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let counts = self
            .rejected
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        Rejection::LABELS.into_iter().zip(counts)
    }
}
