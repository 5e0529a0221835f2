//! Elections inside an application: nodes that run as actors, the handles with which an application
//! uses its nodes, and clusters within one process. This module requires the feature `actor`.
//!
//! Each node is one actix actor. A node that a [`Builder`] starts has a thread of its own, and its
//! handle may be used from any thread and any tokio runtime with timers. A [`Cluster`] puts many
//! nodes on a few threads.
//!
//! An application holds an [`Elector`], which is the handle of a node. The work that runs on the
//! leader holds a [`Leadership`]. The type parameter of both is the [guarantee](crate::Guarantee)
//! of the algorithm, not the algorithm. [`Transport`] and [`Storage`] are the interfaces for
//! networks and disks. This crate implements both in memory: [`MemoryNetwork`] and
//! [`MemoryStorage`].
//!
//! # How messages reach a node
//!
//! An actix actor has a mailbox. Actix allocates memory for each message in the mailbox, and
//! handles all of these messages before it looks at timers. So the messages of peers do not go
//! through the mailbox: they wait in a queue of the node, and the node takes them from the queue in
//! small batches. Between two batches, the node handles requests of the application and reports of
//! the disk. Before each message, the node handles the timers that are due. Each peer has a bounded
//! share of the queue. If the share of a peer is full, the node drops and counts further messages
//! of this peer: an algorithm must tolerate lost messages, but a late heartbeat can cause an
//! election. Saves run on another thread, unless the storage is [`Immediate`], so the node handles
//! inputs during a save. [`Gate`](crate::Gate) holds back everything that depends on the save.
//!
//! # What blocks a node's thread
//!
//! [`Immediate`] storage blocks the node's thread during each save. A node that is asked to stop
//! blocks its thread until its last save has ended. The node also logs with `tracing` on its
//! thread, and a subscriber that writes to a pipe waits while the pipe is full: use a subscriber
//! with a queue. [`NodeHandle::ping`] shows whether the thread answers.
//!
//! The work of the leader does not run on the node's thread. So a node whose work hangs goes on
//! leading, unless the work has set a [`Watchdog`]. [`Elector::lead`] tries failed work again. A
//! node whose work fails again and again takes no leadership any more: see [`FailurePolicy`].
//!
//! # What is logged
//!
//! A node logs with `tracing`. Changes of the role, the leader or the epoch have the target
//! `elector` and the level `info`: "this node leads", "another node leads", "no leader known". A
//! task of the tokio runtime that started the node writes these lines, for as long as this runtime
//! runs. A node of a [`Cluster`] logs these lines only if a subscriber that receives them was set
//! before the node was started.
//!
//! # Paused time
//!
//! Nodes do not work with the paused time of tokio (`#[tokio::test(start_paused = true)]`,
//! `tokio::time::pause`). A node runs on a thread outside of the paused runtime. The timers and
//! leases of the node use the clock of the machine, which cannot be paused: a lease must end also
//! when a process is suspended. A runtime with paused time moves its own clock forward whenever all
//! of its tasks are idle, and also when a task waits for a node. So in such a runtime
//! `timeout(limit, cluster.leader())` elapses at once, [`NodeHandle::leave`] and
//! [`NodeHandle::shutdown_within`] give the work no time, and [`Leadership::lost`] loops without a
//! pause and uses a whole processor.
//!
//! In a test with nodes, use the normal clock. With the default durations, a cluster elects a
//! leader within half a second; [`ClusterSetup::config`] can set shorter durations. If another part
//! of the test needs paused time, call `tokio::time::resume` before the first call to a node. For
//! elections in virtual time, use the simulator (crate `elector-sim`).
//!
//! # What stops a node
//!
//! A node stops after [`NodeHandle::shutdown`] or a similar call, and when its last handle is
//! dropped. A node stops by itself after a failed save, and when its algorithm panics or breaks its
//! [contract](crate::ContractViolation). Then its leadership ends immediately, and every handle
//! reports the reason.

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
