//! Elections inside an application: nodes as actors, the handles that applications hold, and
//! clusters within one process. Feature `actor`.
//!
//! One actix actor drives one node. In production the actor has a thread of its own, and its handle
//! may be used from any thread and any tokio runtime with timers. A [`Cluster`] puts many nodes on
//! a few threads.
//!
//! Applications hold an [`Elector`], and their work holds a [`Leadership`]. Both are typed by the
//! guarantee of the algorithm, not by the algorithm. [`Transport`] and [`Storage`] are the
//! interfaces for networks and disks. [`MemoryNetwork`] and [`MemoryStorage`] are in this crate.
//!
//! # How messages reach a node
//!
//! Actix allocates memory for each message of a mailbox, and handles all of them before it looks at
//! timers. So the messages of peers wait in a queue of the node, beside the mailbox. The node takes
//! them in small batches. Requests of the application and reports of the disk have their turn
//! between the batches, and before each message the node lets due timers elapse. Each peer has a
//! bounded share of the queue. Further messages are dropped and counted: a lost message is legal,
//! but a late heartbeat is not. Saves run on another thread, so no handler waits for them.
//! [`Gate`](crate::Gate) holds back everything that depends on a save.
//!
//! # What blocks a node's thread
//!
//! [`Immediate`] storage blocks the thread during each save. A node that is asked to stop
//! waits on its thread for its last save. The node also logs with `tracing`, and a subscriber that
//! writes to a pipe waits for the reader of the pipe: use a subscriber with a queue.
//! [`NodeHandle::ping`] shows whether the thread answers. Work that hangs keeps its leadership,
//! unless a [`Watchdog`] is set. Work that fails is tried again, and a node whose work fails again
//! and again takes no leadership any more: see [`FailurePolicy`].
//!
//! # What is logged
//!
//! A node logs with `tracing`. Changes of the role, the leader or the epoch have the target
//! `elector` and the level `info`: "this node leads", "another node leads", "no leader known". A
//! task of the tokio runtime that started the node writes these lines, for as long as this runtime
//! runs. Nodes of a [`Cluster`] log these lines only if a subscriber for such lines was set before
//! the nodes were started.
//!
//! # Paused time
//!
//! Nodes do not work with the paused time of tokio (`#[tokio::test(start_paused = true)]`,
//! `tokio::time::pause`). A node runs on a thread of its own, and its timers and leases use the
//! clock of the machine, which cannot be paused: a lease must end also when a process is suspended.
//! But a runtime with paused time moves its own clock forward whenever its tasks are idle. It also
//! does this while the tasks wait for a node. Then `timeout(limit, cluster.leader())` elapses at
//! once, [`NodeHandle::leave`] and [`NodeHandle::shutdown_within`] give the work no time, and
//! [`Leadership::lost`] runs without a pause and uses a whole processor.
//!
//! In a test with nodes, use the normal clock: the default durations elect a leader within half a
//! second, and [`ClusterSetup::config`] makes them shorter. Call `tokio::time::resume` before the
//! first call to a node if the rest of the test needs paused time. For elections in virtual time,
//! use the simulator (crate `elector-sim`).
//!
//! # What stops a node
//!
//! A node stops after [`NodeHandle::shutdown`], after a failed save, and when its algorithm panics
//! or breaks its contract. Its leadership ends immediately, and every handle reports the reason.

mod actor_thread;
mod any;
mod backoff;
mod builder;
mod clock;
mod cluster;
mod cluster_setup;
mod conformance;
mod control;
mod election_log;
mod elector;
mod error;
mod failure;
mod handle;
mod launch;
mod leadership;
mod leadership_state;
mod memory;
mod memory_storage;
mod node;
mod peer;
mod places;
mod queue;
mod recorder;
mod requests;
mod retries;
mod shared;
mod status;
mod storage;
mod timers;
mod transport;
mod watchdog;
mod work;
mod work_output;

pub use any::{AnyElector, AnyLeadership};
pub use backoff::Backoff;
pub use builder::{Builder, ElectorBuilder};
pub use clock::now;
pub use cluster::Cluster;
pub use cluster_setup::ClusterSetup;
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
pub use work_output::WorkOutput;
