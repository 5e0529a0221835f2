//! The Bully algorithm: H. Garcia-Molina, "Elections in a Distributed Computing System", IEEE
//! Transactions on Computers C-31(1), 1982, the election algorithm for networks that do not fail.
//!
//! > **Two coordinators.** The paper assumes that a node never pauses, that no message is lost, and
//! > that every answer comes within a known time T. Real machines keep none of the three. Where one
//! > breaks (a stop-the-world pause, a lost packet, a partition, an answer that is late by one
//! > microsecond) **two or more nodes lead at once**, each sure of itself, and possibly in the same
//! > epoch, until they hear each other. There is no quorum and no lease: what must not be done
//! > twice must not rest on this algorithm. Use Raft or Paxos for that. (The paper itself offers
//! > another algorithm, Invitation, where these assumptions fail.)
//!
//! # The idea
//!
//! The highest node alive leads. A node that misses the coordinator asks all higher nodes
//! (ELECTION). If none answers within T, they are dead, and it is the highest: it tells all lower
//! nodes (COORDINATOR). If one answers (ANSWER), that one is higher and alive, and holds an
//! election of its own; the asker waits for its COORDINATOR, and asks anew if none comes. A node
//! that has asked already answers further ELECTIONs and does not ask again. So the question climbs
//! to the highest node alive, whom nobody answers. A node that recovers asks too; if nobody higher
//! is alive it asks those below for a coordinator, and takes over from it: hence the name.
//!
//! # Messages
//!
//! | message | from, to | when |
//! |---|---|---|
//! | `Election` | candidate, all higher nodes | it misses the coordinator, recovers, or was asked |
//! | `Election` | recovering node, all lower nodes | nobody higher answered it |
//! | `Answer` | asked node, lower candidate | at once |
//! | `Coordinator` | winner, all lower nodes | nobody answered within the answer timeout |
//! | `Coordinator` | coordinator, who asks | at once, in place of `Answer` |
//! | `Heartbeat` | coordinator, all nodes | every `timing.heartbeat` |
//! | `Heartbeat` | coordinator, one of an older epoch | on hearing its claim |
//! | `Handover` | coordinator that steps down, successor | on command (not in the paper) |
//! | `Outdated` | any node, coordinator whose epoch is over or not its own | on hearing its claim |
//!
//! With k ids above the one node that notices, the dead leader among them and the highest of all,
//! an election takes k(k+1)/2 ELECTION + k(k−1)/2 ANSWER + n−2 COORDINATOR = k² + n − 2 messages:
//! n − 1 at best, n² − n − 1 at worst. The winner knows after δ + T + W (one-way delay, answer
//! timeout, durable write), all others δ + W later.
//!
//! # Invariants
//!
//! The code cites each of them where it keeps it, and the tests where they would see it broken.
//!
//! - I1. The epoch of a node never goes back, across crashes too. It is durable before any message
//!   of the step that raised it.
//! - I2. A node follows no leader of an older epoch than its own, and recognises one coordinator
//!   for an epoch, ever, across crashes too. (Two nodes may recognise two. And past `u64::MAX`
//!   there is no epoch: there the rule ends, before which a peer must have lied.)
//! - I3. A winner's epoch is above every epoch that it has heard of: every message carries one.
//! - I4. After the start exactly one timer runs: that of the phase.
//! - I5. Nobody answers who has stepped down on command and knows no successor; every other node
//!   that is asked either answers or gives way to a candidate that may contest the coordinator.
//!   So no candidate waits for a node that will never lead nor hear of a leader.
//!
//! # After a partition, a pause, a loss
//!
//! Heartbeats go to everybody, so coordinators that can talk to each other hear of each other
//! within one heartbeat interval:
//!
//! - With `preempt` (the default) the higher id stays. If its epoch is not the higher one already,
//!   it asks the nodes above it, and takes over in an epoch above both.
//! - Without `preempt` the higher epoch stays; of two in the same epoch, the higher id.
//! - Of two coordinators of one epoch none stays in it: the one that stays numbers itself anew, as
//!   soon as it hears the other, or a node that has recognised the other (`Outdated`).
//! - A coordinator that was paused or cut off claims an older epoch. The present coordinator
//!   answers with a heartbeat, and the rules above apply: with `preempt` an old coordinator of
//!   higher id takes over again; followers of the present one ignore it meanwhile.
//! - A node that knows a newer epoch but hears no coordinator of it (the coordinator died, or the
//!   node led it alone) sends `Outdated`; the live coordinator then numbers itself above that
//!   epoch.
//!
//! So once faults have ended, all nodes hold the same (epoch, coordinator) within a bounded time,
//! and nothing more is sent but heartbeats. While faults last: over a **one-way link** a candidate
//! may win because answers do not reach it, and the two coordinators that result may depose each
//! other in turns; in a **partial partition** a node that reaches both sides follows the newer
//! tenure, and the sides may take turns as well. With loss, an answer or three heartbeats in a row
//! get lost now and then: each time, an election, sometimes with two winners for up to a heartbeat
//! interval.
//!
//! # Stepping down
//!
//! The paper has no commands. `Resign` hands over to the highest node not reported gone. A node
//! that has resigned does not answer, as if dead, until it hears of a successor or a bounded time
//! has passed (longer than one whole election of the others). It then follows, and takes part in
//! the elections after the next failure, but does not take over from a live coordinator until it is
//! restarted, leads again, or is told to campaign.
//!
//! `TransferTo` does the same with a successor that is *appointed*: it leads although higher nodes
//! live, and while they hear it they let it be, those that recover too. The appointment ends when
//! it dies or steps down, when a higher node misses it, or campaigns on command.
//!
//! If the successor is dead or the handover is lost, nobody leads until the others time out.
//!
//! # Departures from the paper
//!
//! - Epochs, durable: the winner's is the highest it has heard of, plus one. Of no use as fencing
//!   tokens during a split, but they order tenures afterwards, and the view never goes back.
//! - The coordinator is missed by its heartbeats (or a hint), in place of the paper's time-outs of
//!   the application and periodic check; nodes wait a random time so as not to ask all at once.
//! - The winner is coordinator once it says so; the paper's extra rounds, that halt the others and
//!   hand out the task before the coordinator begins, are the application's.
//! - A live coordinator answers ELECTION with COORDINATOR, and a node that hears its coordinator
//!   does not ask on behalf of a candidate that missed a tenure: a node that comes late does not
//!   set off an election by everybody.
//! - A recovering node to which nobody higher answers asks the lower ones for the coordinator, and
//!   waits for one more answer timeout at most. It has slept through elections, and would otherwise
//!   take over in the very epoch in which the other leads.
//! - After a hint the nodes take turns, highest first, as it is the highest that wins anyway.
//!
//! # What it does not promise
//!
//! At most one leader, at any time, in any epoch. Leadership of the highest node while a
//! coordinator is tenured (appointed, or without `preempt`) or that node has resigned. Few
//! messages: a low node that recovers sets off n²/2 questions and as many answers. Progress against
//! peers that lie.
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
