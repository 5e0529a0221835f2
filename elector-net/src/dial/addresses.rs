use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use elector_core::NodeId;
use tokio::{task::JoinHandle, time::timeout};

use super::lookup::{Answer, Lookup, no_address};

/// How long an answer is used without another lookup. A peer that is down is dialled several times
/// in this time. A peer that has moved is found after it.
const MAX_ANSWER_AGE: Duration = Duration::from_secs(1);

/// How long the node waits for a lookup if it can go on with an earlier answer.
const RELOOKUP_TIMEOUT: Duration = Duration::from_millis(100);

/// A lookup that takes longer than this is logged.
const SLOW_LOOKUP: Duration = Duration::from_secs(1);

/// The maximum number of addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Knows where one peer is dialled. It looks the peer's name up in the background, one lookup at a
/// time, and keeps the answer. It never abandons a lookup: if an answer arrives after the dialler
/// has stopped waiting for it, the next attempt uses it.
#[derive(Debug)]
pub(super) struct Addresses {
    node: NodeId,
    peer: NodeId,
    /// `host:port`.
    name: String,
    lookup: Lookup,
    running: Option<JoinHandle<Answer>>,
    known: Known,
    /// When `known` was found; `None` if the last lookup has failed, or its answer is too old.
    since: Option<Instant>,
    /// Whether the log already contains that lookups fail, and that they are slow.
    logged: (bool, bool),
}

/// Where to dial.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// In the order in which they must be tried.
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether the name has these addresses now. Otherwise it had them before, and the present
    /// lookup has failed or is not answered yet.
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

    /// Returns the addresses of the peer. If its name is an address, returns that address. Waits
    /// for the first answer without a time limit. After that, waits for a newer answer only for
    /// [`RELOOKUP_TIMEOUT`].
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
        let is_old = |since: Instant| since.elapsed() >= MAX_ANSWER_AGE;
        if self.since.is_none_or(is_old) {
            self.since = None;
            if self.known.addresses.is_empty() {
                self.look_up().await?;
            } else {
                // An error was logged, and the addresses that were known before remain.
                let _ = timeout(RELOOKUP_TIMEOUT, self.look_up()).await;
            }
        }
        Ok(Found {
            addresses: self.known.in_order(),
            is_current: self.since.is_some(),
        })
    }

    /// Notes that the peer answered at this address.
    pub(super) fn worked(&mut self, address: SocketAddr) {
        self.known.good = Some(address);
        self.known.bad.clear();
    }

    /// Notes that what answers at this address is not the peer, or does not admit this node.
    pub(super) fn failed(&mut self, address: SocketAddr) {
        self.known.bad.retain(|bad| *bad != address);
        self.known.bad.push(address);
    }

    /// Returns the address at which the peer answered last.
    pub(super) fn good(&self) -> Option<SocketAddr> {
        self.known.good
    }

    /// Waits for the running lookup, or for a new one. If this future is dropped, the lookup goes
    /// on, and the next call waits for it.
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
            // address was needed. Then it is asked for again.
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

    /// Logs that lookups fail or are slow, once until this changes. If a name was never found, that
    /// is the reason of the peer's outage, and is logged there.
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

/// The addresses of a peer, and how attempts to connect to them ended.
#[derive(Debug, Default)]
struct Known {
    /// The result of the last lookup that did not fail.
    addresses: Vec<SocketAddr>,
    /// Where the peer answered last.
    good: Option<SocketAddr>,
    /// Where something else has answered since then, the most recent one last.
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

    /// Returns the good address first, and the bad ones last.
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

/// Returns the addresses of IPv4 and IPv6 in turn. If one of them leads nowhere, it delays the
/// other one by one attempt only: RFC 8305, section 4.
fn interleaved(found: &[SocketAddr]) -> impl Iterator<Item = SocketAddr> {
    let is_v4 = found.first().is_some_and(SocketAddr::is_ipv4);
    let (first, other): (Vec<_>, Vec<_>) = found.iter().partition(|found| found.is_ipv4() == is_v4);
    let longest = first.len().max(other.len());
    (0..longest).flat_map(move |place| {
        let pair = [first.get(place).copied(), other.get(place).copied()];
        pair.into_iter().flatten()
    })
}
