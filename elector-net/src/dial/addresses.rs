use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use elector_core::NodeId;
use tokio::{task::JoinHandle, time::timeout};

use super::lookup::{Answer, Lookup, no_address};

/// How long the answer of a name server is used before another lookup. In this time, a peer that is
/// down is dialled several times. If a peer has moved, its new address is found after this time.
const MAX_ANSWER_AGE: Duration = Duration::from_secs(1);

/// How long the dialler waits for a lookup if it has an earlier answer, which it can use instead.
const RELOOKUP_TIMEOUT: Duration = Duration::from_millis(100);

/// A lookup of a peer's name that takes longer than this is logged.
const SLOW_LOOKUP: Duration = Duration::from_secs(1);

/// The maximum number of addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// The addresses at which one peer is dialled. This type looks up the peer's name in the
/// background, one lookup at a time, and keeps the answer. It never cancels a lookup: if an answer
/// arrives after the dialler has stopped waiting, the dialler's next attempt uses the answer.
#[derive(Debug)]
pub(super) struct Addresses {
    node: NodeId,
    peer: NodeId,
    /// The address of the peer as it was configured or learned: `host:port`.
    name: String,
    lookup: Lookup,
    running: Option<JoinHandle<Answer>>,
    known: Known,
    /// When the addresses in `known` were found. `None` if there is no lookup yet, or if they are
    /// older than [`MAX_ANSWER_AGE`] and no newer lookup has succeeded yet.
    since: Option<Instant>,
    /// Whether the log already says that lookups of this name fail, and whether the log already
    /// says that they are slow.
    logged: (bool, bool),
}

/// The addresses at which to dial the peer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The addresses, in the order in which they must be tried.
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether a recent lookup has found these addresses. Otherwise an earlier lookup has found
    /// them, and the present lookup has failed or is not answered yet.
    pub(super) is_current: bool,
}

impl Addresses {
    pub(super) fn new(node: NodeId, peer: NodeId, name: &str, lookup: Lookup) -> Self {
        Self {
            node,
            peer,
            name: name.to_owned(),
            lookup,
            running: None,
            known: Known::default(),
            since: None,
            logged: (false, false),
        }
    }

    /// Returns the address of the peer as it was configured or learned: `host:port`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the addresses of the peer. If the peer's name is an address, returns that address.
    /// If no addresses are known yet, waits for an answer without a time limit. Otherwise, waits
    /// for a newer answer only for [`RELOOKUP_TIMEOUT`].
    ///
    /// # Errors
    /// If the lookup fails, and no addresses were found before.
    pub(super) async fn find(&mut self) -> io::Result<Found> {
        if let Ok(address) = self.name.parse() {
            return Ok(Found {
                addresses: vec![address],
                is_current: true,
            });
        }
        let is_old = |since: Instant| since.elapsed() >= MAX_ANSWER_AGE;
        if self.since.is_none_or(is_old) {
            self.since = None;
            if self.known.addresses.is_empty() {
                self.look_up().await?;
            } else {
                // If the lookup fails or takes too long, the addresses that were found before
                // remain in use. `look_up` has logged a failure.
                let _ = timeout(RELOOKUP_TIMEOUT, self.look_up()).await;
            }
        }
        Ok(Found {
            addresses: self.known.in_order(),
            is_current: self.since.is_some(),
        })
    }

    /// Records that the peer has admitted this node at this address.
    pub(super) fn worked(&mut self, address: SocketAddr) {
        self.known.good = Some(address);
        self.known.bad.clear();
    }

    /// Records that a handshake at this address has failed. Another process may answer there, or
    /// the peer does not admit this node.
    pub(super) fn failed(&mut self, address: SocketAddr) {
        self.known.bad.retain(|bad| *bad != address);
        self.known.bad.push(address);
    }

    /// Returns the address at which the peer has last admitted this node.
    pub(super) fn good(&self) -> Option<SocketAddr> {
        self.known.good
    }

    /// Waits for the running lookup, or begins one and waits for it. If the future of this method
    /// is dropped, the lookup continues, and the next call waits for the same lookup.
    async fn look_up(&mut self) -> io::Result<()> {
        loop {
            let running = self.running.take();
            let running = running.unwrap_or_else(|| self.lookup.begin(&self.name));
            let answer = self.running.insert(running).await;
            self.running = None;
            let answer = answer?;
            let at = answer.at;
            let learned = self.learn(answer);
            // The answer may be old: it may have arrived while the peer was connected and no
            // address was needed. Then a new lookup is made.
            if at.elapsed() < MAX_ANSWER_AGE {
                return learned;
            }
        }
    }

    fn learn(&mut self, answer: Answer) -> io::Result<()> {
        let found = answer.found.and_then(|found| match found[..] {
            [] => Err(no_address()),
            _ => Ok(found),
        });
        self.log(&found, answer.took);
        self.known.learn(&found?);
        self.since = Some(answer.at);
        Ok(())
    }

    /// Logs when lookups begin to fail, when they succeed again, and when they begin to be slow. If
    /// no lookup has found the name yet, this method logs no failure: then the failure is the
    /// reason of the peer's outage, and is logged with the outage.
    fn log(&mut self, found: &io::Result<Vec<SocketAddr>>, took: Duration) {
        let (node, peer, name) = (self.node, self.peer, &self.name);
        let is_known = !self.known.addresses.is_empty();
        let now = (found.is_err() && is_known, took >= SLOW_LOOKUP);
        let before = std::mem::replace(&mut self.logged, now);
        match found {
            Err(error) if now.0 && !before.0 => tracing::warn!(
                node = node.0, %peer, name, %error,
                "name of the peer cannot be looked up: check the name in the list of peers, and \
                 the name servers of this machine. Until then, the peer is dialled at the \
                 addresses that were found before"
            ),
            Ok(_) if before.0 => {
                tracing::info!(
                    node = node.0, %peer, name,
                    "name of the peer can be looked up again"
                );
            }
            _ => {}
        }
        if now.1 && !before.1 {
            tracing::warn!(
                node = node.0, %peer, name, ?took,
                "name of the peer takes long to look up: check whether the first name server of \
                 this machine answers"
            );
        }
    }
}

/// The addresses of a peer, and the results of handshakes at these addresses.
#[derive(Debug, Default)]
struct Known {
    /// The result of the last lookup that did not fail.
    addresses: Vec<SocketAddr>,
    /// The address at which the peer has last admitted this node.
    good: Option<SocketAddr>,
    /// The addresses at which a handshake has failed since the peer has last admitted this node.
    /// The most recent one comes last.
    bad: Vec<SocketAddr>,
}

impl Known {
    fn learn(&mut self, found: &[SocketAddr]) {
        self.addresses.clear();
        for address in interleaved(found) {
            if !self.addresses.contains(&address) && self.addresses.len() < MAX_ADDRESSES {
                self.addresses.push(address);
            }
        }
        self.bad.retain(|bad| self.addresses.contains(bad));
    }

    /// Returns the addresses in the order in which the dialler tries them: first the address at
    /// which the peer has last admitted this node, and last the addresses at which a handshake has
    /// failed since then.
    fn in_order(&self) -> Vec<SocketAddr> {
        let rank = |address: &SocketAddr| {
            let bad = self.bad.iter().position(|bad| bad == address);
            (bad.map(|place| place + 1), self.good != Some(*address))
        };
        let mut addresses = self.addresses.clone();
        addresses.sort_by_key(rank);
        addresses
    }
}

/// Returns the addresses with IPv4 and IPv6 in turn. If the addresses of one kind lead nowhere,
/// each of them delays the next address of the other kind by one attempt only: RFC 8305, section 4.
fn interleaved(found: &[SocketAddr]) -> impl Iterator<Item = SocketAddr> {
    let is_v4 = found.first().is_some_and(SocketAddr::is_ipv4);
    let (first, other): (Vec<_>, Vec<_>) = found.iter().partition(|found| found.is_ipv4() == is_v4);
    let longest = first.len().max(other.len());
    (0..longest).flat_map(move |place| {
        let pair = [first.get(place).copied(), other.get(place).copied()];
        pair.into_iter().flatten()
    })
}
