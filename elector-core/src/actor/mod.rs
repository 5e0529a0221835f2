//! Elections inside an application: nodes as actors, the handle that applications hold, and
//! clusters within one process. Feature `actor`.
//!
//! One actix actor drives one node. In production it has a thread of its own behind a handle that
//! may go anywhere, so that it works in any tokio runtime; a [`Cluster`] puts many nodes on a few
//! threads.
//!
//! [`Elector`] is what applications hold, [`Leadership`] what their work holds: both are typed by
//! what the algorithm promises, and not by the algorithm. [`Transport`] and [`Storage`] are the
//! seams for networks and disks; [`MemoryNetwork`] and [`MemoryStorage`] are in this crate.
//!
//! # What arrives for a node
//!
//! Actix takes an allocation for each message of a mailbox, and serves all of them before it looks
//! at timers. So what peers say waits beside the mailbox, in a queue of the node's own: it is taken
//! in small batches, between which orders of the application and reports of the disk have their
//! turn, and each message first lets the timers elapse that are due. Each peer has a bounded share
//! of the queue; what exceeds it is dropped and counted, which is legal, where a late heartbeat is
//! not. No handler waits: saves are done on a thread of their own, and whatever rests on them is
//! held back by [`Gate`](crate::Gate).
//!
//! # What a node's thread waits for
//!
//! Nothing but its [immediate](Immediate) storage; but it logs by `tracing`, and a subscriber that
//! writes to a pipe waits for the reader of that. Use one that queues. [`NodeHandle::ping`] shows
//! whether the thread answers. Work that hangs keeps its leadership, unless a [`Watchdog`] is set.
//! Work that fails is tried again, and a node whose work fails again and again takes no leadership
//! any more: see [`FailurePolicy`].
//!
//! # What ends a node
//!
//! Besides [`NodeHandle::shutdown`]: a save that fails, an algorithm that panics or breaks its
//! contract. Its leadership ends at once, and every handle is told why.

mod any;
mod backoff;
mod builder;
mod clock;
mod cluster;
mod conformance;
mod control;
mod elector;
mod error;
mod failure;
mod handle;
mod lane;
mod launch;
mod leadership;
mod memory;
mod memory_storage;
mod messages;
mod node;
mod peer;
mod post;
mod retries;
mod shared;
mod status;
mod storage;
mod tape;
mod tenure;
mod timers;
mod transport;
mod watchdog;
mod work;

pub use any::{AnyElector, AnyLeadership};
pub use backoff::Backoff;
pub use builder::{Builder, ElectorBuilder};
pub use clock::now;
pub use cluster::{Cluster, ClusterSetup};
pub use conformance::Replayer;
pub use elector::Elector;
pub use error::{
    CommandError, LeadError, LeadershipLost, NoLease, NodeError, ShutdownError, StartError,
};
pub use failure::{AfterRetries, FailurePolicy, LeadOptions};
pub use handle::{NodeHandle, Traffic};
pub use leadership::Leadership;
pub use memory::{MemoryNetwork, MemoryTransport};
pub use memory_storage::MemoryStorage;
pub use peer::{Peer, PeerError};
pub use status::{Event, EventKind, Events, EventsError, Status, WorkStatus};
pub use storage::{Immediate, Storage};
pub use transport::{BoxError, Dropped, Inbox, Links, Transport};
pub use watchdog::Watchdog;
pub use work::Grace;
