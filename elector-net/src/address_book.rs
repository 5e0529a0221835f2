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

/// The maximum number of addresses that a node learns, and that one message may contain. It limits
/// the memory that a peer with a fault can make this node use.
pub(crate) const MAX_ADDRESSES: usize = 2048;

/// The maximum length of an address in bytes. A DNS name has at most 253 bytes, and the port comes
/// after it.
const MAX_LENGTH: usize = 261;

/// The addresses at which this node dials other nodes.
///
/// The dialler tries the addresses that were configured first. This node learns other addresses
/// from its peers: a peer names its own address when it connects, and reports the addresses of
/// other nodes that it knows. This node keeps the learned addresses in a file. So after a restart,
/// it also finds the nodes whose addresses were not configured. An address decides only where this
/// node looks for a peer. The handshake of each connection checks which node answers there.
#[derive(Debug)]
pub(crate) struct AddressBook {
    configured: BTreeMap<NodeId, String>,
    learned: Mutex<BTreeMap<NodeId, Learned>>,
    file: Option<PathBuf>,
    /// The number of changes of `learned`. Tasks wait on this channel for the next change.
    changes: watch::Sender<u64>,
}

/// The address of a node that was not configured, but learned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Learned {
    address: String,
    /// Whether the node has named this address as its own. Otherwise another node or an operator
    /// has named it.
    is_own: bool,
}

impl AddressBook {
    /// Creates a book with the configured addresses of these peers, and with the learned addresses
    /// in the file.
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

    /// Returns the configured address of a node, or else the learned one; `None` if neither is
    /// known.
    pub(crate) fn of(&self, node: NodeId) -> Option<String> {
        let configured = self.configured.get(&node).cloned();
        configured.or_else(|| {
            let learned = lock(&self.learned);
            learned.get(&node).map(|known| known.address.clone())
        })
    }

    /// Returns the addresses of a node in the order in which the dialler tries them. The configured
    /// address comes first. The learned address comes next, if it differs from the configured one:
    /// the node may have moved since this node was configured.
    pub(crate) fn candidates(&self, node: NodeId) -> Vec<String> {
        let learned = lock(&self.learned).get(&node).cloned();
        let configured = self.configured.get(&node);
        let other = learned.filter(|known| configured != Some(&known.address));
        let mut candidates: Vec<String> = configured.cloned().into_iter().collect();
        candidates.extend(other.map(|known| known.address));
        candidates
    }

    /// Returns each node whose address is known, with that address. If a node has a configured
    /// address, it is returned and not the learned one.
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

    /// Learns the address that a node has named as its own, on a connection from `host`. If the
    /// node named only a port (`:7100`), its address is this port of `host`. Returns `true` if the
    /// address is new in the book.
    pub(crate) fn named_by(&self, node: NodeId, named: &str, host: IpAddr) -> bool {
        let address = match named.strip_prefix(':') {
            Some(_) if host.is_ipv6() => format!("[{host}]{named}"),
            Some(_) => format!("{host}{named}"),
            None => named.to_owned(),
        };
        self.learn(node, address, true)
    }

    /// Learns an address of a node that another node or an operator has named. A configured
    /// address, and an address that the node has named as its own, are not replaced. Returns `true`
    /// if the address is new in the book.
    pub(crate) fn reported(&self, node: NodeId, address: &str) -> bool {
        self.learn(node, address.to_owned(), false)
    }

    /// Returns a receiver that is notified when this node learns an address.
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

    /// Saves the learned addresses to the file whenever they have changed. The running node `node`
    /// runs this method as a task.
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
            // Several addresses often change within a short time. After this pause, one save stores
            // all of them.
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

/// Reads the learned addresses from the file. If the file is damaged or missing, only addresses are
/// lost, and the safety of elections does not depend on addresses.
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

/// Returns `true` if the text is `host:port`, has no spaces and control characters, and has at most
/// [`MAX_LENGTH`] bytes.
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

    // An address that an operator has configured must come first. An address that a node names as
    // its own must have priority over an address that another node reports for it.
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

    // A peer with a fault may report any number of addresses, and any text as an address. The
    // addresses must not fill the memory of this node, and the text must not get into its log.
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

    // After a restart, a node must find the nodes that joined the cluster after this node had been
    // configured.
    #[test]
    fn addresses_survive_a_restart_and_a_damaged_file_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("addresses");
        let first = book(Some(file.clone()));
        first.reported(NodeId(4), "[::1]:7100");
        first.save().unwrap();
        assert_eq!(of(&book(Some(file.clone())), 4).unwrap(), "[::1]:7100");
        // Node 1 has moved, and this node still has its old address in the configuration.
        first.named_by(NodeId(1), "new:7100", HOST);
        first.save().unwrap();
        let candidates = book(Some(file.clone())).candidates(NodeId(1));
        assert_eq!(candidates, ["db1:7100", "new:7100"]);
        std::fs::write(&file, b"\xff\x00 4=").unwrap();
        assert_eq!(of(&book(Some(file)), 4), None);
    }
}
