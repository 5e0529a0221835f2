use std::{
    collections::BTreeMap,
    io::Write as _,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use elector_core::{NodeId, actor::Peer};
use tokio::sync::watch;

use crate::link::lock;

/// The maximum number of addresses. A peer cannot make this node keep more.
pub(crate) const MAX_ADDRESSES: usize = 2048;

/// The maximum length of an address in bytes: a name has at most 253.
const MAX_LENGTH: usize = 261;

/// Where nodes are dialled.
///
/// The addresses that were configured are tried first. Other addresses come from the nodes
/// themselves: a node names its own address when it connects, and a node that is connected reports
/// the addresses that it knows. They are kept in a file, so that a node finds its cluster again
/// after a restart, also if all nodes have moved since it was configured. The addresses decide only
/// where a node looks. Who a peer is, is checked at each connection.
#[derive(Debug)]
pub(crate) struct AddressBook {
    configured: BTreeMap<NodeId, String>,
    learned: Mutex<BTreeMap<NodeId, Learned>>,
    file: Option<PathBuf>,
    /// The number of changes.
    changes: watch::Sender<u64>,
}

/// An address that was not configured.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Learned {
    address: String,
    /// Whether the node itself has named this address.
    is_own: bool,
}

impl AddressBook {
    /// Creates a book with these addresses, and with those in the file.
    pub(crate) fn new(configured: &[Peer], file: Option<PathBuf>) -> Self {
        let addresses = configured.iter();
        let addresses = addresses.filter_map(|peer| Some((peer.id, peer.address.clone()?)));
        let learned = file.as_deref().map(read).unwrap_or_default();
        Self {
            configured: addresses.collect(),
            learned: Mutex::new(learned),
            file,
            changes: watch::Sender::new(0),
        }
    }

    /// Returns the address of a node.
    pub(crate) fn of(&self, node: NodeId) -> Option<String> {
        let configured = self.configured.get(&node).cloned();
        configured.or_else(|| {
            let learned = lock(&self.learned);
            learned.get(&node).map(|known| known.address.clone())
        })
    }

    /// Returns the addresses of a node in the order in which they are tried: the one that was
    /// configured, and the one that the node itself has named, if it is another one. A node may
    /// have moved since the others were configured.
    pub(crate) fn candidates(&self, node: NodeId) -> Vec<String> {
        let learned = lock(&self.learned).get(&node).cloned();
        let configured = self.configured.get(&node);
        let other = learned.filter(|known| configured != Some(&known.address));
        let other = other.filter(|known| known.is_own || configured.is_none());
        let mut candidates: Vec<String> = configured.cloned().into_iter().collect();
        candidates.extend(other.map(|known| known.address));
        candidates
    }

    /// Returns all nodes and their addresses.
    pub(crate) fn all(&self) -> Vec<(NodeId, String)> {
        let learned = lock(&self.learned);
        let learned = learned.iter().map(|(&node, known)| (node, &known.address));
        let mut all: BTreeMap<NodeId, &String> = learned.collect();
        all.extend(
            self.configured
                .iter()
                .map(|(&node, address)| (node, address)),
        );
        all.into_iter()
            .take(MAX_ADDRESSES)
            .map(|(node, address)| (node, address.clone()))
            .collect()
    }

    /// Takes the address that a node has named as its own, on a connection from `host`.
    /// Returns `true` if this node uses the address now, and did not use it before.
    pub(crate) fn named_by(&self, node: NodeId, named: &str, host: IpAddr) -> bool {
        let address = match named.strip_prefix(':') {
            Some(_) if host.is_ipv6() => format!("[{host}]{named}"),
            Some(_) => format!("{host}{named}"),
            None => named.to_owned(),
        };
        self.learn(node, address, true)
    }

    /// Takes an address that another node or an operator has named. It does not replace an address
    /// that the node itself has named.
    /// Returns `true` if this node uses the address now, and did not use it before.
    pub(crate) fn reported(&self, node: NodeId, address: &str) -> bool {
        self.learn(node, address.to_owned(), false)
    }

    /// Returns a receiver that is notified of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn learn(&self, node: NodeId, address: String, is_own: bool) -> bool {
        if !is_address(&address) || self.configured.contains_key(&node) && !is_own {
            return false;
        }
        let mut learned = lock(&self.learned);
        let known = learned.get(&node);
        let is_better = match known {
            None => learned.len() < MAX_ADDRESSES,
            Some(known) => known.address != address && (is_own || !known.is_own),
        };
        if !is_better {
            return false;
        }
        learned.insert(node, Learned { address, is_own });
        drop(learned);
        self.changes.send_modify(|count| *count += 1);
        true
    }

    /// Saves the addresses whenever they have changed, for a node that runs.
    pub(crate) async fn keep(self: Arc<Self>, node: NodeId) {
        let mut changes = self.changes();
        let mut is_logged = false;
        while changes.changed().await.is_ok() {
            let book = Arc::clone(&self);
            let saved = tokio::task::spawn_blocking(move || book.save()).await;
            let saved = saved.map_err(std::io::Error::other).flatten();
            if let Err(error) = saved
                && !std::mem::replace(&mut is_logged, true)
            {
                tracing::warn!(
                    node = node.0, %error,
                    "addresses of nodes cannot be saved, so this node may not find these nodes \
                     after a restart: check the data folder"
                );
            }
            // Several addresses often change at the same time.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Writes the addresses that were not configured to the file. This call waits for the disk.
    pub(crate) fn save(&self) -> std::io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let learned = lock(&self.learned).clone();
        let lines = learned
            .iter()
            .map(|(node, known)| format!("{node}={}\n", known.address));
        let text = HEAD.to_owned() + &lines.collect::<String>();
        let unfinished = file.with_extension("new");
        let mut new = std::fs::File::create(&unfinished)?;
        new.write_all(text.as_bytes())?;
        new.sync_data()?;
        std::fs::rename(unfinished, file)
    }
}

const HEAD: &str = "\
# Addresses of nodes that were not configured. The node writes this file. If it is lost, name nodes
# that run with --join.
";

/// Reads the file. A file that is damaged, or missing, costs nothing that is needed for safety.
fn read(file: &Path) -> BTreeMap<NodeId, Learned> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let peers = text.lines().filter_map(|line| line.parse::<Peer>().ok());
    let learned = peers.filter_map(|peer| {
        let address = peer.address.filter(|address| is_address(address))?;
        let is_own = false;
        Some((peer.id, Learned { address, is_own }))
    });
    learned.take(MAX_ADDRESSES).collect()
}

/// Returns `true` for `host:port` of a reasonable length.
pub(crate) fn is_address(text: &str) -> bool {
    let is_clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    is_clean && text.len() <= MAX_LENGTH && format!("0={text}").parse::<Peer>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 4));

    fn book(file: Option<PathBuf>) -> AddressBook {
        AddressBook::new(&[(1, "db1:7100").into()], file)
    }

    fn of(book: &AddressBook, node: u64) -> Option<String> {
        book.of(NodeId(node))
    }

    // What an operator has configured must win, and what a node says about itself must win over
    // what others say about it.
    #[test]
    fn the_better_source_of_an_address_wins() {
        let book = book(None);
        book.named_by(NodeId(1), "other:1", HOST);
        assert_eq!(of(&book, 1).unwrap(), "db1:7100");
        assert_eq!(book.candidates(NodeId(1)), ["db1:7100", "other:1"]);
        book.reported(NodeId(4), "old:7100");
        assert_eq!(of(&book, 4).unwrap(), "old:7100");
        book.named_by(NodeId(4), "db4:7100", HOST);
        book.reported(NodeId(4), "old:7100");
        assert_eq!(of(&book, 4).unwrap(), "db4:7100");
        book.named_by(NodeId(4), ":7200", HOST);
        assert_eq!(of(&book, 4).unwrap(), "10.0.0.4:7200");
        assert_eq!(book.candidates(NodeId(4)), ["10.0.0.4:7200"]);
        assert_eq!(*book.changes().borrow(), 4);
    }

    // A peer of a faulty release must not fill the memory, and must not bring text into the log.
    #[test]
    fn what_is_no_address_is_not_taken() {
        let book = book(None);
        for text in ["", ":", "a b:1", "a:1\n", &format!("{}:1", "a".repeat(300))] {
            book.reported(NodeId(4), text);
            assert_eq!(of(&book, 4), None, "{text:?}");
        }
        for node in 0..3000 {
            book.reported(NodeId(node), "a:1");
        }
        assert_eq!(book.all().len(), MAX_ADDRESSES);
    }

    // After a restart, a node must find nodes that joined later than it was configured.
    #[test]
    fn addresses_survive_a_restart_and_a_damaged_file_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("addresses");
        let first = book(Some(file.clone()));
        first.reported(NodeId(4), "[::1]:7100");
        first.save().unwrap();
        assert_eq!(of(&book(Some(file.clone())), 4).unwrap(), "[::1]:7100");
        std::fs::write(&file, b"\xff\x00 4=").unwrap();
        assert_eq!(of(&book(Some(file)), 4), None);
    }
}
