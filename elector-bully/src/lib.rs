//! The Bully algorithm. The source is H. Garcia-Molina, "Elections in a Distributed Computing
//! System", IEEE Transactions on Computers C-31(1), 1982. Bully is the algorithm of that paper for
//! networks that do not fail.
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
//! The live node with the highest id leads, as the *coordinator*. A node whose coordinator is
//! silent asks all nodes with higher ids (ELECTION). If none of them answers within T, the node
//! takes them for dead and becomes the coordinator: it notifies all lower nodes (COORDINATOR). A
//! higher node that is alive answers (ANSWER), and starts its own election. The node that has asked
//! then waits for a COORDINATOR, and asks again if none arrives. A node that has asked already
//! answers further ELECTIONs, but does not ask again. So the election moves up to the highest live
//! node, which gets no answer. A node that recovers asks too. If no higher node is alive, the
//! recovering node asks the lower nodes for a coordinator, and takes over from that coordinator.
//! The name of the algorithm comes from this rule.
//!
//! # Messages
//!
//! | message | from, to | when |
//! |---|---|---|
//! | `Election` | candidate, all higher nodes | after a silence, a recovery or a lower `Election` |
//! | `Election` | recovering node, all lower nodes | no higher node answered |
//! | `Answer` | asked node, lower candidate | at once |
//! | `Coordinator` | winner, all lower nodes | no node answered within the answer timeout |
//! | `Coordinator` | coordinator, node that asked it | at once, in place of `Answer` |
//! | `Heartbeat` | coordinator, all nodes | every `timing.heartbeat` |
//! | `Heartbeat` | coordinator, coordinator of an older epoch | when that node claims to lead |
//! | `Handover` | coordinator that steps down, successor | on command (not in the paper) |
//! | `Outdated` | any node, coordinator of a past or shared epoch | when that node claims to lead |
//!
//! Let one node detect the failure, and let k be the number of ids above this node. The highest of
//! these ids is that of the dead leader. An election takes k(k+1)/2 ELECTION + k(k−1)/2 ANSWER +
//! n−2 COORDINATOR = k² + n − 2 messages: n − 1 at best, n² − n − 1 at worst. The winner knows that
//! it leads after δ + T + W (one-way delay, answer timeout, durable write), or after T + W if the
//! winner itself detects the failure. All other nodes know the new leader δ + W later.
//!
//! # Invariants
//!
//! The code names an invariant in the lines that keep the invariant. A test names the invariants
//! that it checks.
//!
//! - **I1** A node's epoch never goes back, not even across a crash. When a step raises the epoch,
//!   the epoch is durable before any message of the step is sent.
//! - **I2** A node follows no leader of an older epoch than its own, and recognises only one
//!   coordinator for an epoch, ever, even across a crash. (Two nodes may recognise two different
//!   coordinators of one epoch. The rule does not hold in the last epoch, `u64::MAX`, which is
//!   reached only if a peer sends a false epoch.)
//! - **I3** A winner's epoch is above every epoch that the winner knows of. Every message carries
//!   an epoch.
//! - **I4** After the start, exactly one timer runs: the timer of the phase.
//! - **I5** A node that has stepped down on command and knows no successor does not answer
//!   candidates. Every other node that a lower candidate asks either answers, or leaves the
//!   election to the candidate, because the candidate may contest the coordinator. So no candidate
//!   waits for a node that will not lead and will not learn of a leader.
//!
//! # After a partition, a pause or a loss
//!
//! Heartbeats are sent to all nodes, so coordinators that can communicate learn of each other
//! within one heartbeat interval:
//!
//! - With `preempt` (the default), the coordinator with the higher id stays. If the other
//!   coordinator has the higher epoch, the coordinator with the higher id asks the nodes above it,
//!   and takes over in an epoch above both epochs.
//! - Without `preempt`, the coordinator with the higher epoch stays. Of two coordinators in one
//!   epoch, the one with the higher id stays.
//! - If two coordinators share an epoch, neither continues in that epoch. The coordinator that
//!   stays moves to a new epoch as soon as it receives a heartbeat of the other coordinator, or
//!   `Outdated` from a node that has recognised the other coordinator.
//! - A coordinator that was paused or cut off claims an older epoch. The present coordinator
//!   answers with a heartbeat, and the rules above apply: with `preempt`, an old coordinator with a
//!   higher id takes over again. Until then, followers of the present coordinator ignore the old
//!   one.
//! - A node may know a newer epoch that has no live coordinator: the coordinator of that epoch has
//!   died, or the node led that epoch alone. The node sends `Outdated` to the live coordinator,
//!   which then moves to an epoch above the newer one.
//!
//! So when faults have ended, all nodes have the same (epoch, coordinator) within a bounded time,
//! and only heartbeats are sent. While faults last: over a **one-way link**, a candidate may win
//! because answers do not reach it, and the two coordinators may depose each other in turns. In a
//! **partial partition**, a node that reaches both sides follows the newer tenure, and the
//! coordinators of the two sides may also depose each other in turns. With message loss, an answer
//! or three heartbeats in a row are lost now and then. Each such loss causes an election, sometimes
//! with two winners for up to one heartbeat interval.
//!
//! # Stepping down
//!
//! The paper has no commands. `Resign` hands over to the highest node that is not suspected. A node
//! that has resigned does not answer, as if it were dead, until it learns of a successor, or until
//! a bounded time has passed (longer than one whole election of the other nodes). After the bounded
//! time, it is like any other node again. After it has learned of a successor, it follows, and
//! takes part in elections when the successor has failed. But it does not take over from a live
//! coordinator until it restarts, leads again, or gets the command to campaign.
//!
//! `TransferTo` does the same with an *appointed* successor. This successor leads although higher
//! nodes are alive. The higher nodes do not contest the successor while they receive its
//! heartbeats. Nodes that recover do not contest it either. The appointment ends when the successor
//! dies or steps down, or when a higher node receives no heartbeat for `election_min` or campaigns
//! on command.
//!
//! If the successor is dead or the handover is lost, no node leads until the other nodes time out.
//!
//! # Differences from the paper
//!
//! - This crate adds epochs, which are durable. The winner's epoch is the highest epoch that the
//!   winner knows of, plus one. During a split, epochs cannot be used as fencing tokens. After the
//!   split, they order the tenures, and the view never goes back.
//! - The failure of a coordinator is detected by missing heartbeats (or by a suspicion). The paper
//!   uses time-outs of the application and a periodic check. Nodes wait for a random time, so they
//!   do not all ask at the same time.
//! - The winner is coordinator as soon as it sends COORDINATOR. The paper's additional rounds,
//!   which halt the other nodes and assign the task first, are left to the application.
//! - A live coordinator answers ELECTION with COORDINATOR. A node with a live coordinator does not
//!   start an election for a candidate that missed a tenure. So a node that missed an election does
//!   not make all nodes start elections.
//! - If no higher node answers a recovering node, the recovering node asks the lower nodes for the
//!   coordinator, and waits for one more answer timeout at most. It may have missed elections while
//!   it was down. Without this question, it could take over in the same epoch in which another
//!   coordinator leads.
//! - After a suspicion of the coordinator, the other nodes take turns. The highest node has the
//!   first turn, since it wins anyway.
//!
//! # What Bully does not guarantee
//!
//! - At most one leader, at any time, in any epoch.
//! - That the highest node leads, if the coordinator is appointed, if `preempt` is off, or if the
//!   highest node has resigned.
//! - Few messages: a low node that recovers may cause n²/2 questions and as many answers.
//! - Progress, if members send false messages.
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
