//! Draws the setup of a node: the cluster, and the options of the algorithm.

use std::{collections::BTreeSet, time::Duration};

use elector_bully::{Bully, BullyConfig};
use elector_core::{Comparable, Configuration as _, Membership, NodeId, Timing};
use elector_paxos::{Paxos, PaxosConfig};
use elector_raft::{Raft, RaftConfig};
use elector_ring::{Ring, RingConfig};

use crate::draw::Draw;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An algorithm whose options can be drawn.
pub trait Drawn: Comparable {
    /// Draws the options that the variants of the algorithm do not set.
    fn draw_options(config: &mut Self::Config, draw: &mut Draw<'_>, members: &Membership);
}

impl Drawn for Raft {
    fn draw_options(config: &mut RaftConfig, draw: &mut Draw<'_>, members: &Membership) {
        if draw.flag() {
            let nodes = members.nodes().iter();
            config.priorities = nodes.map(|&node| (node, draw.value())).collect();
        }
    }
}

impl Drawn for Paxos {
    fn draw_options(config: &mut PaxosConfig, draw: &mut Draw<'_>, members: &Membership) {
        if draw.flag() {
            let nodes = members.nodes().iter();
            let first = |&node| (node, draw.number().max(1));
            config.first_ballot = nodes.map(first).collect();
        }
    }
}

impl Drawn for Bully {
    fn draw_options(config: &mut BullyConfig, draw: &mut Draw<'_>, _: &Membership) {
        config.skip_suspected = draw.flag();
    }
}

impl Drawn for Ring {
    fn draw_options(config: &mut RingConfig, draw: &mut Draw<'_>, members: &Membership) {
        if draw.flag() {
            let mut left = members.nodes().to_vec();
            while !left.is_empty() {
                config.ring.push(left.swap_remove(draw.below(left.len())));
            }
        }
    }
}

/// Draws a configuration that a host accepts.
///
/// # Panics
/// Panics if a host would reject the configuration: then the fuzz target has a fault.
pub fn config<A: Drawn>(draw: &mut Draw<'_>, members: &Membership) -> A::Config {
    let mut config = pick(draw, A::variants()).config;
    A::draw_options(&mut config, draw, members);
    *config.timing_mut() = timing(draw);
    if let Err(rule) = config.validate(members) {
        panic!("the fuzz target has drawn a configuration that hosts reject: {rule}");
    }
    config
}

/// Draws a cluster of one to five nodes, seen from one of them.
///
/// # Panics
/// Panics if the cluster is not valid: then the fuzz target has a fault.
pub fn members(draw: &mut Draw<'_>) -> Membership {
    let nodes = 1 + draw.below(5);
    // An id that is drawn twice counts once, so the cluster may be smaller.
    let nodes: BTreeSet<NodeId> = (0..nodes).map(|_| NodeId(draw.number())).collect();
    let me = nodes.iter().nth(draw.below(nodes.len())).copied();
    let members = Membership::new(me.unwrap_or(NodeId(0)), nodes);
    members.unwrap_or_else(|rule| panic!("{rule}"))
}

/// Draws stock durations, the shortest durations that are allowed, or the longest. With the
/// shortest, the range of a random duration may be empty, and with the longest, a sum of durations
/// may overflow.
fn timing(draw: &mut Draw<'_>) -> Timing {
    let of = |[heartbeat, lease, election_min, election_max, round_trip]: [Duration; 5]| Timing {
        heartbeat,
        lease,
        election_min,
        election_max,
        round_trip,
    };
    let ns = Duration::from_nanos;
    match draw.below(4) {
        0 => Timing::default(),
        1 => Timing::lan(),
        2 => of([ns(1), ns(2), ns(3), ns(3), ns(1)]),
        _ => of([DAY - ns(2), DAY - ns(1), DAY, DAY, DAY - ns(1)]),
    }
}

fn pick<T>(draw: &mut Draw<'_>, mut from: Vec<T>) -> T {
    from.swap_remove(draw.below(from.len()))
}
