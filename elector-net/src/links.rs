use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use elector_core::NodeId;

use crate::{link::Link, wire::refusal::Refusal};

/// The peers of a node, in the order of the membership, and what is counted of strangers.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) of: Box<[Arc<Link>]>,
    refused: [AtomicU64; Refusal::LABELS.len()],
    is_leaving: AtomicBool,
}

impl Links {
    pub(crate) fn new(of: impl IntoIterator<Item = Link>) -> Self {
        Self {
            of: of.into_iter().map(Arc::new).collect(),
            refused: Default::default(),
            is_leaving: AtomicBool::new(false),
        }
    }

    /// The node is being stopped: what happens to its connections is no news any more.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    pub(crate) fn of(&self, node: NodeId) -> Option<&Arc<Link>> {
        self.of.iter().find(|link| link.node == node)
    }

    /// Whether this is an address of one of them.
    pub(crate) fn are_at(&self, address: IpAddr) -> bool {
        self.of.iter().any(|link| link.places.has(address))
    }

    /// The peer at this address, if there is only one.
    pub(crate) fn only_at(&self, address: IpAddr) -> Option<&Link> {
        let mut there = self.of.iter().filter(|link| link.places.has(address));
        let link = there.next()?;
        there.next().is_none().then_some(&**link)
    }

    pub(crate) fn count(&self, refusal: &Refusal) {
        self.refused[refusal.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// How many connections were refused, for each reason.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let counts = self
            .refused
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        Refusal::LABELS.into_iter().zip(counts)
    }
}
