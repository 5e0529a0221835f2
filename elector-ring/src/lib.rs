//! Ring elections, three of them: the textbooks' token that **collects** all live ids
//! (Silberschatz, Galvin and Gagne; Tanenbaum and van Steen), **Chang–Roberts** (E. Chang and R.
//! Roberts, "An improved algorithm for decentralized extrema-finding in circular configurations of
//! processes", CACM 22(5), 1979) and **Hirschberg–Sinclair** (D. S. Hirschberg and J. B. Sinclair,
//! "Decentralized extrema-finding in circular configurations of processors", CACM 23(11), 1980).
//!
//! > **Two leaders.** The papers assume that no node fails during an election, that no message is
//! > lost, and that nobody is slow. This crate survives failures, but it tells a dead node from a
//! > live one by a hop timeout and by nothing else. Where that is wrong (a partition, a pause, a
//! > lost packet, a delay beyond `timing.round_trip`) **two or more nodes lead at once**, each sure
//! > of itself, and possibly in the same epoch, until they hear each other. There is no quorum and
//! > no lease: what must not be done twice must not rest on this algorithm. Use Raft or Paxos for
//! > that.
//!
//! # The idea
//!
//! The nodes stand in a ring, by default in id order; each knows all of it. A node that misses the
//! leader sends a token to the next live node. With m live nodes:
//!
//! - *Collect*: every node adds its id. Home again, the initiator names the highest and sends a
//!   COORDINATOR token round: two laps, 2m messages, tokens of up to m ids.
//! - *Chang–Roberts*: a token carries one id. A higher node discards it and sends its own instead,
//!   once; lower ones pass it on. Who receives its own id leads, and sends COORDINATOR round.
//! - *Hirschberg–Sinclair*: a candidate probes 2⁰, 2¹, 2², ... nodes to both sides. A higher node
//!   stops the probe; the last one on its way answers. With both answers the distance doubles,
//!   until a probe comes all round.
//!
//! Every hop is acknowledged. A node that does not answer within `timing.round_trip` is skipped,
//! and from then on at once, until it is heard from. The leader is watched by its heartbeats, which
//! go to everybody.
//!
//! # Messages
//!
//! | message | from, to | when |
//! |---|---|---|
//! | `Election` | any node, next live node | Collect and Chang–Roberts: a token on its lap |
//! | `Probe`, `Reply` | any node, next live node of its way | Hirschberg–Sinclair |
//! | `Coordinator` | any node, next live node | tells all who leads |
//! | `HopAck` | receiver of a token, its sender | at once; stands outside the closed forms |
//! | `Heartbeat` | leader, all nodes | every `timing.heartbeat` |
//! | `Heartbeat` | leader that steps down, the other leader of its epoch | once |
//! | `Present` | skipped or recovered node, all nodes | after the lap that missed it |
//! | `Present` | any node, a node that it suspects; and its answer | once after a suspicion |
//! | `Handover` | leader that steps down, successor | on command |
//!
//! | until all live nodes know | messages | one-way delays |
//! |---|---|---|
//! | Collect, one initiator | 2m (k initiators: at most 2km) | 2m |
//! | Chang–Roberts, one initiator | 2m to 3m−1 | 2m to 3m−1 |
//! | Chang–Roberts, all initiate | m + (2m−1 at best, `m·H_m` on average, m(m+1)/2 at worst) | 2m |
//! | Hirschberg–Sinclair | at most 8m(1+⌈log₂ m⌉) | O(m) |
//!
//! Each dead node costs one hop and one `round_trip` more in the first lap that finds it; the hops
//! of a COORDINATOR each wait for one durable write. `tests/counts.rs` pins all of this.
//!
//! # Invariants
//!
//! The code cites each of them where it keeps it, and the tests where they would see it broken.
//!
//! - I1. The epoch of a node never goes back, across crashes too, and is durable before any message
//!   that shows it.
//! - I2. A winner's epoch is above every epoch that its token met.
//! - I3. A node follows no leader of an older epoch than its own, and within an epoch moves to a
//!   higher leader only, unless it has given the present one up.
//! - I4. No token makes more than n hops between live nodes. It ends at its origin, where its
//!   origin is found silent, at a node that has seen it before, or when its hops are used up.
//! - I5. The serial of a token is unique to its origin across restarts, as long as disks are kept.
//!   A token that comes home counts only if it is the newest of an election that its origin holds.
//! - I6. Once started, exactly one of the timers runs that make a node act (`Vigil`, `Stagger`,
//!   `Await`, `Lap`, `Heartbeat`): nobody waits for ever.
//!
//! # When things go wrong
//!
//! - *A token is lost*: its initiator starts anew after one lap at a `round_trip` a hop (twice that
//!   for a probe and its reply).
//! - *The initiator dies*: the last live node before it finds it silent. With Collect it has all
//!   ids and names the leader in its place; else it starts an election of its own.
//! - *A token is doubled*, by the network or by the loss of a `HopAck`: every node passes on the
//!   first copy it sees.
//! - *Several initiators*: Chang–Roberts and Hirschberg–Sinclair are made for it. With Collect, an
//!   initiator keeps the tokens of lower initiators.
//! - *COORDINATOR is lost*: heartbeats say the same. *It names a node that has just died*: no
//!   heartbeat follows, and the nodes elect again.
//! - *A large ring*: a lap of 1001 nodes takes many election timeouts. Who sees a token waits for
//!   two laps; the random part of the election timeout spreads over half a lap at least.
//!
//! # After a partition, a pause, a loss
//!
//! Heartbeats go to everybody, so leaders that can talk to each other hear of each other within a
//! heartbeat interval. The newer epoch stays. Two of the same epoch: the lower id steps down and
//! says so, the higher one moves to a new epoch. A node that knows a newer epoch than the live
//! leader's (it led alone) elects, and the result is above both. So once faults have ended, all
//! nodes hold the same (epoch, leader) within a bounded time, and nothing is sent but heartbeats.
//!
//! Nodes that took each other for dead make it up: when the leader says that its lap must be over
//! (`settled`), a node that it has not met tells everybody that it is `Present`, and everybody asks
//! those that it suspects. If that is lost as well, the node is skipped until it is heard from; the
//! node elected then may not be the highest.
//!
//! While faults last: a leader that nobody can reach leads on; over a **one-way link** a node that
//! cannot hear the leader holds one election after another; in a **partial partition** a node in
//! the middle follows the newer tenure while two lead. With 10 % loss about every fifth hop fails
//! to be acknowledged, and skips a live node.
//!
//! # Departures from the papers
//!
//! - Epochs, durable: the highest that the token has met, plus one. They do not make leadership
//!   exclusive, but they order tenures, and the view never goes back.
//! - Dead nodes are skipped, as all know the ring; the textbooks have that, the papers do not.
//! - A recovering node listens for one vigil and follows a live leader, even a lower one. The
//!   textbooks do not say; taking over would be an election without need.
//! - A leader takes part in the elections of lower nodes as if it had just won one: with
//!   Chang–Roberts and Hirschberg–Sinclair it discards their tokens and sends none of its own,
//!   since its heartbeats reach them. If a token carries a newer epoch than its own, it moves above
//!   that.
//! - A heartbeat of the present leader ends an election that misses it wrongly, unless the
//!   application has asked for that election.
//! - Distances of Hirschberg–Sinclair count live nodes.
//! - `Resign` hands over to the highest node not suspected. Until there is a leader again, or for a
//!   bounded time, the node passes tokens on and offers itself to none. `TransferTo` hands over to
//!   any node. Either starts with stepping down, and the successor numbers a new epoch; if it is
//!   dead, the others elect after a timeout.
//!
//! # What it does not promise
//!
//! At most one leader, at any time, in any epoch. The highest node as leader, after a recovery, a
//! handover or a wrong suspicion. Progress against peers that lie: they can lead at will.
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod algorithm;
mod config;
mod durable;
mod message;
mod passages;
mod state;
mod token;

pub use config::{RingConfig, RingVariant};
pub use durable::RingDurable;
pub use message::{RingMessage, RingTimer};
pub use state::Ring;
pub use token::{Course, Errand, Serial, Token, TokenId, Way};
