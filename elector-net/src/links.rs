use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use elector_core::{DiskId, MemberRole, MembersReport, NodeId, RosterId};
use tokio::sync::mpsc;

use crate::{
    link::{Link, lock},
    wire::{QueuedMessage, rejection::Rejection},
};

/// The maximum number of messages to one peer that wait in its queue.
pub(crate) const MAX_QUEUED: usize = 1024;

/// The maximum number of nodes that get a [`Link`], the shared state of the connections with one
/// peer, although the list of peers did not name them when this node was started.
const MAX_MET: usize = 1024;

/// A link, which is the shared state of the connections with one peer, and the queue of the
/// messages that wait to be sent to this peer.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) link: Arc<Link>,
    pub(crate) queue: mpsc::Sender<QueuedMessage>,
}

/// A link that was just created, and the queue of messages that its dialler reads. The dialler is
/// the task that connects to the peer.
pub(crate) type NewLink = (Arc<Link>, mpsc::Receiver<QueuedMessage>);

/// The links to all peers of a node, what the node knows about their roles, and the numbers of
/// rejected connections. If the members can change, links are added while the node runs.
#[derive(Debug)]
pub(crate) struct PeerLinks {
    /// The links ([`Link`]: the state of one peer), in ascending order of the ids of the peers.
    links: Mutex<Arc<[Outgoing]>>,
    /// The maximum number of [links](Link).
    limit: usize,
    roster: Mutex<Option<Voters>>,
    rejected: [AtomicU64; Rejection::LABELS.len()],
    is_stopping: AtomicBool,
}

/// What the roster, the list of the voters of the cluster, says: the voters with their disks, and
/// the nodes that a change in progress makes voters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Voters {
    roster: RosterId,
    voters: Vec<(NodeId, Option<DiskId>)>,
    joining: Vec<NodeId>,
}

/// What the roster, the list of the voters of the cluster, says about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The members are fixed, or are not known yet.
    Unknown,
    /// The node votes. The field is its disk, or `None` if the roster (the list of the voters) does
    /// not name the disk.
    Voter(Option<DiskId>),
    /// The node does not vote yet, but a change in progress makes it a voter. There is no field for
    /// its disk, because the roster (the list of the voters) names the disk of a node only when the
    /// node votes.
    Joining,
    Observer,
}

impl PeerLinks {
    /// Creates an empty set of [links](Link). `named` is the number of nodes in the list of peers.
    /// If `changes_members` is `true`, up to [`MAX_MET`] other nodes can get links, too.
    pub(crate) fn new(named: usize, changes_members: bool) -> Self {
        Self {
            links: Mutex::new([].into()),
            limit: named + if changes_members { MAX_MET } else { 0 },
            roster: Mutex::new(None),
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

    /// Returns the present [links](Link) with their queues.
    pub(crate) fn all(&self) -> Arc<[Outgoing]> {
        Arc::clone(&lock(&self.links))
    }

    pub(crate) fn of(&self, node: NodeId) -> Option<Arc<Link>> {
        let all = self.all();
        let place = all.binary_search_by_key(&node, |outgoing| outgoing.link.node);
        place.ok().map(|place| Arc::clone(&all[place].link))
    }

    /// Adds the [`Link`] that the function `link` creates for the peer `node`. Returns `None` if
    /// this peer already has a link, or if the number of links is at its limit.
    pub(crate) fn add(&self, link: impl FnOnce() -> Link, node: NodeId) -> Option<NewLink> {
        let mut links = lock(&self.links);
        let place = links.binary_search_by_key(&node, |outgoing| outgoing.link.node);
        let Err(place) = place else {
            return None;
        };
        if links.len() >= self.limit {
            return None;
        }
        let link = Arc::new(link());
        let (queue, queued) = mpsc::channel(MAX_QUEUED);
        let mut more = links.to_vec();
        more.insert(
            place,
            Outgoing {
                link: Arc::clone(&link),
                queue,
            },
        );
        *links = more.into();
        Some((link, queued))
    }

    /// Stores which nodes vote and which nodes join, from a report of this node's algorithm.
    pub(crate) fn set_members(&self, report: &MembersReport) {
        let members = report.members.iter();
        let voters = members.clone().filter(|member| member.role.votes());
        let joining = members.filter(|member| member.role == MemberRole::Joining);
        let voters = Voters {
            roster: report.roster,
            voters: voters.map(|member| (member.node, member.disk)).collect(),
            joining: joining.map(|member| member.node).collect(),
        };
        *lock(&self.roster) = Some(voters);
        // Wakes the diallers, the tasks that connect to peers: a dialler may wait until its peer
        // becomes a member.
        self.all()
            .iter()
            .for_each(|outgoing| outgoing.link.alive.notify_one());
    }

    /// Returns what the roster, the list of the voters, says about a node.
    pub(crate) fn standing(&self, node: NodeId) -> Standing {
        match &*lock(&self.roster) {
            Some(known) if known.roster.version > 0 => {
                let voter = known.voters.iter().find(|(voter, _)| *voter == node);
                match voter {
                    Some((_, disk)) => Standing::Voter(*disk),
                    None if known.joining.contains(&node) => Standing::Joining,
                    None => Standing::Observer,
                }
            }
            Some(_) | None => Standing::Unknown,
        }
    }

    /// Returns `true` if the node is a voter, and the roster, the list of the voters, names a disk
    /// other than `disk` for this node.
    pub(crate) fn has_other_disk(&self, node: NodeId, disk: DiskId) -> bool {
        matches!(self.standing(node), Standing::Voter(Some(known)) if known != disk)
    }

    /// Returns `true` if this node's algorithm has reported that this node has no list of members
    /// yet.
    pub(crate) fn has_no_roster(&self) -> bool {
        let roster = lock(&self.roster);
        roster
            .as_ref()
            .is_some_and(|known| known.roster.version == 0)
    }

    /// Returns `true` if the cluster may still have its first roster (list of voters): this node
    /// knows no roster yet, or it knows the first roster, and so no change of the members.
    pub(crate) fn may_have_first_roster(&self) -> bool {
        let roster = lock(&self.roster);
        roster
            .as_ref()
            .is_none_or(|known| known.roster.version == 1)
    }

    /// Returns `true` if this is an address from which this node expects a peer to connect.
    pub(crate) fn has_address(&self, address: IpAddr) -> bool {
        let all = self.all();
        all.iter()
            .any(|outgoing| outgoing.link.known_addresses.contains(address))
    }

    /// Returns the [`Link`] to the peer that this node expects at this address, if it expects
    /// exactly one peer there.
    pub(crate) fn only_at(&self, address: IpAddr) -> Option<Arc<Link>> {
        let all = self.all();
        let mut links = all.iter().map(|outgoing| &outgoing.link);
        let is_there = |link: &&Arc<Link>| link.known_addresses.contains(address);
        let link = links.find(is_there)?;
        links.find(is_there).is_none().then(|| Arc::clone(link))
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
