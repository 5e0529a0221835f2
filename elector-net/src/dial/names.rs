use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use elector_core::NodeId;
use tokio::{task::JoinHandle, time::timeout};

use super::lookup::{Lookup, Told, nothing};

/// For how long an answer is used without another lookup. A peer that is down is dialled several
/// times in this time; one that has moved is found after it.
const FRESH: Duration = Duration::from_secs(1);

/// How long a lookup is waited for if there is an earlier answer to go on with.
const GRACE: Duration = Duration::from_millis(100);

/// A lookup that takes longer than this is worth a word in the log.
const SLOW: Duration = Duration::from_secs(1);

/// How many addresses of one name are tried.
const MOST_ADDRESSES: usize = 16;

/// Knows where one peer is dialled: looks its name up in the background, one lookup at a time, and
/// keeps the answer. A lookup is never given up: one that outlasts the dialler's patience is there
/// for the next try.
#[derive(Debug)]
pub(super) struct Names {
    node: NodeId,
    peer: NodeId,
    /// `host:port`.
    name: String,
    lookup: Lookup,
    running: Option<JoinHandle<Told>>,
    known: Known,
    /// Since when `known` is the answer of the last lookup; `None` if that has failed.
    since: Option<Instant>,
    /// Whether the log has it that lookups fail, and that they are slow.
    told: (bool, bool),
}

/// Where to dial.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// In the order in which they are to be tried.
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether the name has these addresses now. Otherwise it had them before, and the present
    /// lookup has failed or is not answered yet.
    pub(super) is_current: bool,
}

impl Names {
    pub(super) fn new(node: NodeId, peer: NodeId, name: &str, lookup: Lookup) -> Self {
        Self {
            node,
            peer,
            name: name.to_owned(),
            lookup,
            running: None,
            known: Known::default(),
            since: None,
            told: (false, false),
        }
    }

    /// The addresses of the peer. An address for a name is returned as it is. Waits for the first
    /// answer as long as that takes; after that, waits for a newer one for [`GRACE`] only.
    ///
    /// # Errors
    /// If the lookup fails, and none has succeeded before.
    pub(super) async fn find(&mut self) -> io::Result<Found> {
        if let Ok(address) = self.name.parse() {
            return Ok(Found {
                addresses: vec![address],
                is_current: true,
            });
        }
        if self.since.is_none_or(|since| since.elapsed() >= FRESH) {
            self.since = None;
            if self.known.addresses.is_empty() {
                self.look_up().await?;
            } else {
                // An error was logged, and leaves what was known before.
                let _ = timeout(GRACE, self.look_up()).await;
            }
        }
        Ok(Found {
            addresses: self.known.in_order(),
            is_current: self.since.is_some(),
        })
    }

    /// The peer was met at this address.
    pub(super) fn worked(&mut self, address: SocketAddr) {
        self.known.good = Some(address);
        self.known.bad.clear();
    }

    /// What answers at this address is not the peer, or does not let this node in.
    pub(super) fn failed(&mut self, address: SocketAddr) {
        self.known.bad.retain(|bad| *bad != address);
        self.known.bad.push(address);
    }

    /// Where the peer was met last.
    pub(super) fn good(&self) -> Option<SocketAddr> {
        self.known.good
    }

    /// Waits for the lookup that runs, or for a new one. Nothing is lost if this is dropped.
    async fn look_up(&mut self) -> io::Result<()> {
        loop {
            let running = self.running.take();
            let running = running.unwrap_or_else(|| self.lookup.begin(&self.name));
            let told = self.running.insert(running).await;
            self.running = None;
            let told = told?;
            let at = told.at;
            let learned = self.learn(told);
            // It may have ended while the peer was connected and no address was needed.
            if at.elapsed() < FRESH {
                return learned;
            }
        }
    }

    fn learn(&mut self, told: Told) -> io::Result<()> {
        let found = told.found.and_then(|found| match found[..] {
            [] => Err(nothing()),
            _ => Ok(found),
        });
        self.tell(&found, told.took);
        self.known.learn(&found?);
        self.since = Some(told.at);
        Ok(())
    }

    /// Logs what an operator should know of, once until it has changed. That a peer was never found
    /// is the reason of its outage, and logged as that.
    fn tell(&mut self, found: &io::Result<Vec<SocketAddr>>, took: Duration) {
        let (node, peer, name) = (self.node, self.peer, &self.name);
        let is_known = !self.known.addresses.is_empty();
        let now = (found.is_err() && is_known, took >= SLOW);
        let before = std::mem::replace(&mut self.told, now);
        match found {
            Err(error) if now.0 && !before.0 => tracing::warn!(
                node = node.0, %peer, name, %error,
                "the name of this peer cannot be looked up: check the name in the list of peers, \
                 and the name servers of this machine. Until then the peer is dialled at the \
                 addresses that are known from before"
            ),
            Ok(_) if before.0 => {
                tracing::info!(
                    node = node.0, %peer, name,
                    "the name of this peer can be looked up again"
                );
            }
            _ => {}
        }
        if now.1 && !before.1 {
            tracing::warn!(
                node = node.0, %peer, name, ?took,
                "to look up the name of this peer takes long: check whether the first name server \
                 of this machine answers"
            );
        }
    }
}

/// The addresses of a peer, and what came of them.
#[derive(Debug, Default)]
struct Known {
    /// What the last lookup that did not fail has found.
    addresses: Vec<SocketAddr>,
    /// Where the peer was met last.
    good: Option<SocketAddr>,
    /// Where something else was met since then, the last one last.
    bad: Vec<SocketAddr>,
}

impl Known {
    fn learn(&mut self, found: &[SocketAddr]) {
        self.addresses.clear();
        for address in interleaved(found) {
            if !self.addresses.contains(&address) && self.addresses.len() < MOST_ADDRESSES {
                self.addresses.push(address);
            }
        }
        self.bad.retain(|bad| self.addresses.contains(bad));
    }

    /// The one that was good comes first, those that were bad come last.
    fn in_order(&self) -> Vec<SocketAddr> {
        let place = |address: &SocketAddr| {
            let bad = self.bad.iter().position(|bad| bad == address);
            (bad.map(|place| place + 1), self.good != Some(*address))
        };
        let mut addresses = self.addresses.clone();
        addresses.sort_by_key(place);
        addresses
    }
}

/// The two families of addresses in turn, so that one of them which leads nowhere delays the other
/// by one try only: RFC 8305, section 4.
fn interleaved(found: &[SocketAddr]) -> impl Iterator<Item = SocketAddr> {
    let is_v4 = found.first().is_some_and(SocketAddr::is_ipv4);
    let (first, other): (Vec<_>, Vec<_>) = found.iter().partition(|found| found.is_ipv4() == is_v4);
    let longest = first.len().max(other.len());
    (0..longest).flat_map(move |place| {
        let pair = [first.get(place).copied(), other.get(place).copied()];
        pair.into_iter().flatten()
    })
}
