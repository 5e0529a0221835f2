//! Three ring elections: the textbooks' token that **collects** all live ids (Silberschatz, Galvin
//! and Gagne; Tanenbaum and van Steen), **Chang–Roberts** (E. Chang and R. Roberts, "An improved
//! algorithm for decentralized extrema-finding in circular configurations of processes", CACM
//! 22(5), 1979) and **Hirschberg–Sinclair** (D. S. Hirschberg and J. B. Sinclair, "Decentralized
//! extrema-finding in circular configurations of processors", CACM 23(11), 1980).
//!
//! > **Two leaders.** The papers assume that no node fails during an election, that no message is
//! > lost, and that no node is slow. This crate survives failures, but only a hop timeout
//! > distinguishes a dead node from a live one. If the timeout is wrong about a node (because of a
//! > partition, a pause, a lost packet, a delay beyond `timing.round_trip`), **two or more nodes
//! > lead at the same time**, possibly in the same epoch, until they receive each other's messages.
//! > There is no quorum and no lease. Do not use this algorithm for work that must not be done
//! > twice: use Raft or Paxos.
//!
//! # The idea
//!
//! The nodes form a ring, by default in the order of their ids, and each node knows the whole ring.
//! A node whose leader is silent sends a token to the next live node. The *origin* of a token is
//! the node that created it. A *lap* is the whole way of a token round the ring, back to its
//! origin. With m live nodes:
//!
//! - *Collect*: every node adds its id to the token. When the token is back, its origin selects the
//!   highest id and sends a COORDINATOR token round the ring. This takes two laps, 2m messages, and
//!   tokens of up to m ids.
//! - *Chang–Roberts*: a token carries one id. A node with a higher id discards the token, and sends
//!   a token with its own id instead, but only once. Lower nodes forward the token. A node that
//!   receives its own id leads, and sends COORDINATOR round the ring.
//! - *Hirschberg–Sinclair*: a candidate sends probes in both directions, over distances of 2⁰, 2¹,
//!   2², ... nodes. A node with a higher id than the candidate's discards the probe. The last node
//!   of the distance replies. After both replies the distance doubles, until a probe comes back to
//!   the candidate round the whole ring.
//!
//! Every hop is acknowledged. If a node does not acknowledge a token within `timing.round_trip`,
//! the sender skips this node. After that, the sender's other tokens skip this node without a wait,
//! until it sends a message. The leader sends heartbeats to all nodes.
//!
//! # Messages
//!
//! | message | from, to | when |
//! |---|---|---|
//! | `Election` | any node, next live node | Collect and Chang–Roberts: a token on its lap |
//! | `Probe`, `Reply` | any node, next live node in its direction | Hirschberg–Sinclair |
//! | `Coordinator` | any node, next live node | after an election: announces the leader |
//! | `HopAck` | receiver of a token, its sender | at once; not counted in the table below |
//! | `Heartbeat` | leader, all nodes | every `timing.heartbeat` |
//! | `Heartbeat` | leader that steps down, another leader of the same epoch | once |
//! | `Present` | skipped or recovered node, all nodes | after the lap that skipped it |
//! | `Present` | any node, a node that it suspects; and the answer | once after a suspicion |
//! | `Handover` | leader that steps down, successor | on command |
//!
//! | until all live nodes know the leader | messages | one-way delays |
//! |---|---|---|
//! | Collect, one initiator | 2m (k initiators: at most 2km) | 2m |
//! | Chang–Roberts, one initiator | 2m to 3m−1 | 2m to 3m−1 |
//! | Chang–Roberts, all initiate | m + (2m−1 at best, `m·H_m` on average, m(m+1)/2 at worst) | 2m |
//! | Hirschberg–Sinclair | at most 8m(1+⌈log₂ m⌉) | O(m) |
//!
//! Each dead node costs one more hop and one more `round_trip` in the first lap that detects it.
//! Each hop of a COORDINATOR waits for one durable write. `tests/suite/counts.rs` checks these
//! numbers of messages. It checks the delays for Collect and Chang–Roberts with one initiator.
//!
//! # Invariants
//!
//! The code names an invariant in the lines that keep the invariant. A test names the invariants
//! that it checks.
//!
//! - **I1** A node's epoch never goes back, not even across a crash. When a step raises the epoch,
//!   the epoch is durable before any message of the step is sent.
//! - **I2** A winner's epoch is above every epoch that its token met.
//! - **I3** A node follows no leader of an older epoch than its own. Within an epoch it changes
//!   only to a higher leader, unless it takes the present leader for failed.
//! - **I4** No token makes more than n hops between live nodes. A token ends at its origin, at the
//!   last live node before a dead origin, at a node that has seen the token before, or after its
//!   last hop.
//! - **I5** A node gives each serial to one token only, or to the two probes of one level and their
//!   replies. This holds even across restarts, as long as the node keeps its disk. A token that is
//!   back at its origin counts only if it is the newest token of an election that its origin still
//!   holds.
//! - **I6** After the start, exactly one of the timers that make a node act runs (`Vigil`,
//!   `Stagger`, `Await`, `Lap`, `Heartbeat`), so no node waits forever.
//!
//! # When something fails
//!
//! - *A token is lost*: its initiator (the node that holds the election) starts again after the
//!   time of one lap, with one `round_trip` for each hop (twice that time for a probe and its
//!   reply).
//! - *The initiator dies*: the last live node before the initiator in the ring detects this. With
//!   Collect, the token at this node has all ids, so the node selects the leader in place of the
//!   initiator. With the other variants, it starts its own election.
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
//! and informs the higher one, which moves to a new epoch. A node may know a newer epoch than that
//! of the live leader, for example because the node led the newer epoch alone. This node starts an
//! election, and the winner's epoch is above both epochs. So when faults have ended, all nodes have
//! the same (epoch, leader) within a bounded time, and only heartbeats are sent.
//!
//! Nodes that took each other for dead correct this error. When a heartbeat shows that the
//! COORDINATOR lap must have ended (`settled`), a node that the lap has skipped informs all nodes
//! that it is `Present`, and every node asks the nodes that it suspects whether they are alive. If
//! these messages are lost too, a skipped node stays skipped until it sends another message, and
//! the next winner may not be the highest node.
//!
//! While faults last: a leader that cannot be reached continues to lead. Over a **one-way link**, a
//! node that does not receive the leader's heartbeats holds one election after another. In a
//! **partial partition**, a node that reaches both sides follows the newer tenure while two nodes
//! lead. With 10 % message loss, about every fifth hop is not acknowledged, so the token skips a
//! live node.
//!
//! # Differences from the papers
//!
//! - This crate adds epochs, which are durable. The winner's epoch is the highest epoch that its
//!   token has met, plus one. Epochs do not make leadership exclusive, but they order tenures, and
//!   the view never goes back.
//! - Tokens skip dead nodes, because all nodes know the ring. In the textbooks tokens skip them
//!   too, in the papers they do not.
//! - A recovering node waits for one vigil and follows a live leader, even a lower one. The
//!   textbooks do not define what a recovering node does. If the recovering node took over, this
//!   would cause an unnecessary election.
//! - A leader takes part in the elections of other nodes. With Collect, it adds its id to their
//!   tokens. With Chang–Roberts and Hirschberg–Sinclair, it discards the tokens of lower nodes, but
//!   sends no token of its own, since the lower nodes receive its heartbeats. If a token carries a
//!   newer epoch than the leader's, the leader moves to an epoch above the newer one.
//! - A heartbeat of the present leader ends an election that a wrong suspicion has started, unless
//!   the application has asked for that election.
//! - Distances of Hirschberg–Sinclair count live nodes.
//! - `Resign` hands over to the highest node that is not suspected. Until there is a leader again,
//!   or for a bounded time, the node that has resigned forwards tokens but does not offer itself
//!   for election. `TransferTo` hands over to any node. In both cases the leader first steps down,
//!   and the successor leads a new epoch. If the successor is dead, the other nodes elect after a
//!   timeout.
//!
//! # What the ring elections do not guarantee
//!
//! - At most one leader, at any time, in any epoch.
//! - That the highest node leads, after a recovery, a handover or a wrong suspicion.
//! - Progress, if members send false messages: such members can become leader at any time.
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
