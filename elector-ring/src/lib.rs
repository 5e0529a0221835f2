//! Ring elections, three of them: the textbooks' token that **collects** all live ids
//! (Silberschatz, Galvin and Gagne; Tanenbaum and van Steen), **Chang–Roberts** (E. Chang and R.
//! Roberts, "An improved algorithm for decentralized extrema-finding in circular configurations of
//! processes", CACM 22(5), 1979) and **Hirschberg–Sinclair** (D. S. Hirschberg and J. B. Sinclair,
//! "Decentralized extrema-finding in circular configurations of processors", CACM 23(11), 1980).
//!
//! > **Two leaders.** The papers assume that no node fails during an election, that no message is
//! > lost, and that no node is slow. This crate survives failures, but only a hop timeout
//! > distinguishes a dead node from a live one. If the timeout is wrong (a partition, a pause, a
//! > lost packet, a delay beyond `timing.round_trip`), **two or more nodes lead at the same time**,
//! > possibly in the same epoch, until they receive each other's messages. There is no quorum and
//! > no lease. Do not use this algorithm for work that must not be done twice: use Raft or Paxos.
//!
//! # The idea
//!
//! The nodes form a ring, by default in the order of their ids, and each node knows the whole ring.
//! A node whose leader is silent sends a token to the next live node. A *lap* is one way of a token
//! round the whole ring, back to its origin. With m live nodes:
//!
//! - *Collect*: every node adds its id. When the token is back, its initiator selects the highest
//!   id and sends a COORDINATOR token round the ring: two laps, 2m messages, tokens of up to m ids.
//! - *Chang–Roberts*: a token carries one id. A higher node discards the token and sends its own
//!   one instead, once; lower nodes forward it. A node that receives its own id leads, and sends
//!   COORDINATOR round the ring.
//! - *Hirschberg–Sinclair*: a candidate probes 2⁰, 2¹, 2², ... nodes to both sides. A higher node
//!   discards the probe; the last node of its distance replies. After both replies the distance
//!   doubles, until a probe comes back round the whole ring.
//!
//! Every hop is acknowledged. A node that does not answer within `timing.round_trip` is skipped.
//! From then on it is skipped without a wait, until it sends a message. The leader sends heartbeats
//! to all nodes.
//!
//! # Messages
//!
//! | message | from, to | when |
//! |---|---|---|
//! | `Election` | any node, next live node | Collect and Chang–Roberts: a token on its lap |
//! | `Probe`, `Reply` | any node, next live node in its direction | Hirschberg–Sinclair |
//! | `Coordinator` | any node, next live node | after an election: announces the leader |
//! | `HopAck` | receiver of a token, its sender | at once; not in the closed forms below |
//! | `Heartbeat` | leader, all nodes | every `timing.heartbeat` |
//! | `Heartbeat` | leader that steps down, the other leader of its epoch | once |
//! | `Present` | skipped or recovered node, all nodes | after the lap that skipped it |
//! | `Present` | any node, a node that it suspects; and the answer | once after a suspicion |
//! | `Handover` | leader that steps down, successor | on command |
//!
//! | until all live nodes know | messages | one-way delays |
//! |---|---|---|
//! | Collect, one initiator | 2m (k initiators: at most 2km) | 2m |
//! | Chang–Roberts, one initiator | 2m to 3m−1 | 2m to 3m−1 |
//! | Chang–Roberts, all initiate | m + (2m−1 at best, `m·H_m` on average, m(m+1)/2 at worst) | 2m |
//! | Hirschberg–Sinclair | at most 8m(1+⌈log₂ m⌉) | O(m) |
//!
//! Each dead node costs one more hop and one more `round_trip` in the first lap that detects it.
//! Each hop of a COORDINATOR waits for one durable write. `tests/suite/counts.rs` checks all this.
//!
//! # Invariants
//!
//! The code names an invariant where it keeps it. A test names an invariant that it checks.
//!
//! - **I1** A node's epoch never goes back, not even across a crash. It is durable before any
//!   message with it is sent.
//! - **I2** A winner's epoch is above every epoch that its token met.
//! - **I3** A node follows no leader of an older epoch than its own. Within an epoch it changes
//!   only to a higher leader, unless it takes the present leader for failed.
//! - **I4** No token makes more than n hops between live nodes. It ends at its origin, at the last
//!   live node before a dead origin, at a node that has seen it before, or after its last hop.
//! - **I5** The serial of a token is unique to its origin across restarts, as long as disks are
//!   kept. A token that is back at its origin counts only if it is the newest token of an election
//!   that its origin still holds.
//! - **I6** After the start, exactly one of the timers that make a node act runs (`Vigil`,
//!   `Stagger`, `Await`, `Lap`, `Heartbeat`), so no node waits forever.
//!
//! # When something fails
//!
//! - *A token is lost*: its initiator starts again after the time of one lap, with one `round_trip`
//!   for each hop (twice that time for a probe and its reply).
//! - *The initiator dies*: the last live node before it detects that. With Collect this node has
//!   all ids, and selects the leader in place of the initiator. Otherwise it starts its own
//!   election.
//! - *A token is duplicated*, by the network or because a `HopAck` was lost: every node forwards
//!   only the first copy.
//! - *Several initiators*: Chang–Roberts and Hirschberg–Sinclair are made for this case. With
//!   Collect, an initiator discards the tokens of lower initiators.
//! - *COORDINATOR is lost*: heartbeats announce the leader too. *COORDINATOR names a node that has
//!   just died*: no heartbeat follows, and the nodes elect again.
//! - *A large ring*: a lap of 1001 nodes takes many election timeouts. A node that forwards a token
//!   waits for two laps, and the random part of the election timeout is at least half a lap wide.
//!
//! # After a partition, a pause or a loss
//!
//! Heartbeats are sent to all nodes, so leaders that can communicate learn of each other within one
//! heartbeat interval. The newer epoch stays. Of two leaders in one epoch, the lower one steps down
//! and informs the higher one, which moves to a new epoch. A node that knows a newer epoch than
//! that of the live leader (it led that epoch alone) starts an election, and the new epoch is above
//! both. So when faults have ended, all nodes have the same (epoch, leader) within a bounded time,
//! and only heartbeats are sent.
//!
//! Nodes that took each other for dead correct this. When a heartbeat shows that the COORDINATOR
//! lap must have ended (`settled`), a node that the lap has skipped informs all nodes that it is
//! `Present`, and every node asks the nodes that it suspects. If these messages are lost too, the
//! node is skipped until it sends another message, and the next winner may not be the highest node.
//!
//! While faults last: a leader that cannot be reached continues to lead. Over a **one-way link**, a
//! node that does not receive the leader's heartbeats holds one election after another. In a
//! **partial partition**, a node that reaches both sides follows the newer tenure while two nodes
//! lead. With 10 % message loss, about every fifth hop is not acknowledged, and skips a live node.
//!
//! # Differences from the papers
//!
//! - Epochs are added, and they are durable. The winner's epoch is the highest that its token has
//!   met, plus one. They do not make leadership exclusive, but they order tenures, and the view
//!   never goes back.
//! - Dead nodes are skipped, because all nodes know the ring. The textbooks do this, the papers do
//!   not.
//! - A recovering node waits for one vigil and follows a live leader, even a lower one. The
//!   textbooks do not define this; taking over would be an unnecessary election.
//! - A leader takes part in the elections of lower nodes as if it had just won one: with
//!   Chang–Roberts and Hirschberg–Sinclair it discards their tokens and sends none of its own,
//!   since they receive its heartbeats. If a token carries a newer epoch than its own, it moves to
//!   an epoch above that one.
//! - A heartbeat of the present leader ends an election that a wrong suspicion has started, unless
//!   the application has asked for that election.
//! - Distances of Hirschberg–Sinclair count live nodes.
//! - `Resign` hands over to the highest node that is not suspected. Until there is a leader again,
//!   or for a bounded time, the node forwards tokens but does not offer itself for election.
//!   `TransferTo` hands over to any node. In both cases the leader first steps down, and the
//!   successor leads a new epoch. If the successor is dead, the other nodes elect after a timeout.
//!
//! # What it does not guarantee
//!
//! - At most one leader, at any time, in any epoch.
//! - That the highest node leads, after a recovery, a handover or a wrong suspicion.
//! - Progress against members that lie: they can become leader at any time.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod message;
mod state;
mod token;
mod token_tracker;

pub use config::{RingConfig, RingVariant};
pub use durable::RingDurable;
pub use message::{RingMessage, RingTimer};
pub use state::Ring;
pub use token::{Course, Serial, Token, TokenBody, TokenId, Way};
