//! The Bully algorithm: H. Garcia-Molina, "Elections in a Distributed Computing System", IEEE
//! Transactions on Computers C-31(1), 1982, the election algorithm for networks that do not fail.
//!
//! > **Two coordinators.** The paper assumes that a node never pauses, that no message is lost, and
//! > that every answer arrives within a known time T. Real machines guarantee none of the three. If
//! > one assumption fails (a stop-the-world pause, a lost packet, a partition, an answer that is
//! > late by one microsecond), **two or more nodes lead at the same time**, possibly in the same
//! > epoch, until they receive each other's messages. There is no quorum and no lease. Do not use
//! > this algorithm for work that must not be done twice: use Raft or Paxos. (For networks in which
//! > these assumptions fail, the paper has another algorithm, Invitation.)
//!
//! # The idea
//!
//! The highest live node leads. A node whose coordinator is silent asks all higher nodes
//! (ELECTION). If none answers within T, it takes them for dead and becomes the coordinator: it
//! notifies all lower nodes (COORDINATOR). If a node answers (ANSWER), that node is higher and
//! alive, and starts its own election. The first node then waits for a COORDINATOR, and asks again
//! if none arrives. A node that has asked already answers further ELECTIONs, but does not ask
//! again. So the election moves up to the highest live node, which gets no answer. A node that
//! recovers asks too. If no higher node is alive, it asks the lower nodes for a coordinator, and
//! takes over from it. The algorithm has its name from that.
//!
//! # Messages
//!
//! | message | from, to | when |
//! |---|---|---|
//! | `Election` | candidate, all higher nodes | coordinator is silent, it recovers, or was asked |
//! | `Election` | recovering node, all lower nodes | no higher node answered |
//! | `Answer` | asked node, lower candidate | at once |
//! | `Coordinator` | winner, all lower nodes | no node answered within the answer timeout |
//! | `Coordinator` | coordinator, node that asked it | at once, in place of `Answer` |
//! | `Heartbeat` | coordinator, all nodes | every `timing.heartbeat` |
//! | `Heartbeat` | coordinator, coordinator of an older epoch | when its claim arrives |
//! | `Handover` | coordinator that steps down, successor | on command (not in the paper) |
//! | `Outdated` | any node, coordinator whose epoch is past or shared | when its claim arrives |
//!
//! Let k be the number of ids above the one node that detects the failure; the dead leader is the
//! highest of them. An election takes k(k+1)/2 ELECTION + k(k−1)/2 ANSWER + n−2 COORDINATOR
//! = k² + n − 2 messages: n − 1 at best, n² − n − 1 at worst. The winner knows after δ + T + W
//! (one-way delay, answer timeout, durable write), all other nodes δ + W later.
//!
//! # Invariants
//!
//! The code names an invariant where it keeps it. A test names an invariant that it checks.
//!
//! - **I1** A node's epoch never goes back, not even across a crash. It is durable before any
//!   message of the step that raised it is sent.
//! - **I2** A node follows no leader of an older epoch than its own, and recognises only one
//!   coordinator for an epoch, ever, even across a crash. (Two nodes may recognise two different
//!   coordinators. The rule ends in the last epoch, `u64::MAX`, which is reached only if a peer
//!   lies.)
//! - **I3** A winner's epoch is above every epoch that the winner knows of. Every message carries
//!   an epoch.
//! - **I4** After the start, exactly one timer runs: the timer of the phase.
//! - **I5** A node that has stepped down on command and knows no successor does not answer. Every
//!   other node that is asked either answers, or leaves the election to a candidate that may
//!   contest the coordinator. So no candidate waits for a node that will not lead and will not
//!   learn of a leader.
//!
//! # After a partition, a pause or a loss
//!
//! Heartbeats are sent to all nodes, so coordinators that can communicate learn of each other
//! within one heartbeat interval:
//!
//! - With `preempt` (the default), the higher id stays. If its epoch is not the higher one already,
//!   it asks the nodes above it, and takes over in an epoch above both.
//! - Without `preempt`, the higher epoch stays; of two coordinators in one epoch, the higher id.
//! - Of two coordinators of one epoch, none stays in that epoch. The one that stays moves to a new
//!   epoch as soon as it receives a message from the other coordinator, or `Outdated` from a node
//!   that has recognised the other one.
//! - A coordinator that was paused or cut off claims an older epoch. The present coordinator
//!   answers with a heartbeat, and the rules above apply: with `preempt`, an old coordinator with a
//!   higher id takes over again. Followers of the present coordinator ignore it until then.
//! - A node may know a newer epoch that has no live coordinator: its coordinator died, or the node
//!   led that epoch alone. It sends `Outdated`, and the live coordinator moves to an epoch above
//!   it.
//!
//! So when faults have ended, all nodes have the same (epoch, coordinator) within a bounded time,
//! and only heartbeats are sent. While faults last: over a **one-way link**, a candidate may win
//! because answers do not reach it, and the two coordinators may depose each other in turns. In a
//! **partial partition**, a node that reaches both sides follows the newer tenure, and the sides
//! may also take turns. With message loss, an answer or three heartbeats in a row are lost now and
//! then. Each time there is an election, sometimes with two winners for up to one heartbeat
//! interval.
//!
//! # Stepping down
//!
//! The paper has no commands. `Resign` hands over to the highest node that is not suspected. A node
//! that has resigned does not answer, as if it were dead, until it learns of a successor, or until
//! a bounded time has passed (longer than one whole election of the other nodes). Then it follows,
//! and takes part in the elections after the next failure. It does not take over from a live
//! coordinator until it restarts, leads again, or gets the command to campaign.
//!
//! `TransferTo` does the same with an *appointed* successor. This successor leads although higher
//! nodes are alive. These nodes do not contest it while they receive its heartbeats, and neither do
//! nodes that recover. The appointment ends when the successor dies or steps down, or when a higher
//! node receives no heartbeat for a vigil or campaigns on command.
//!
//! If the successor is dead or the handover is lost, no node leads until the other nodes time out.
//!
//! # Differences from the paper
//!
//! - Epochs are added, and they are durable. The winner's epoch is the highest that it knows of,
//!   plus one. They cannot be used as fencing tokens during a split, but they order tenures
//!   afterwards, and the view never goes back.
//! - The failure of a coordinator is detected by missing heartbeats (or by a suspicion). The paper
//!   uses time-outs of the application and a periodic check. Nodes wait for a random time, so they
//!   do not all ask at the same time.
//! - The winner is coordinator as soon as it sends COORDINATOR. The paper's additional rounds,
//!   which halt the other nodes and assign the task first, are left to the application.
//! - A live coordinator answers ELECTION with COORDINATOR. A node with a live coordinator does not
//!   start an election for a candidate that missed a tenure. So a node that is late does not make
//!   all nodes start elections.
//! - If no higher node answers a recovering node, it asks the lower nodes for the coordinator, and
//!   waits for one more answer timeout at most. It may have missed elections while it was down, and
//!   would otherwise take over in the epoch in which the other coordinator leads.
//! - After a suspicion the nodes take turns, highest first, since the highest wins anyway.
//!
//! # What it does not guarantee
//!
//! - At most one leader, at any time, in any epoch.
//! - That the highest node leads, if the coordinator is appointed, if `preempt` is off, or if that
//!   node has resigned.
//! - Few messages: a low node that recovers causes n²/2 questions and as many answers.
//! - Progress against members that lie.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod message;
mod state;

pub use config::BullyConfig;
pub use durable::BullyDurable;
pub use message::BullyMessage;
pub use state::{Bully, BullyTimer};
