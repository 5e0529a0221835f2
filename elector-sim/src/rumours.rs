use std::time::Duration;

use elector_core::{ElectionAlgorithm, NodeId, nanos};

use crate::{Simulation, machine::Happening, rng::Rng};

/// The mean time between two false suspicions.
const EVERY: Duration = Duration::from_millis(25);

/// All nodes that get a false suspicion get it within this time.
const SPREAD: Duration = Duration::from_millis(2);

/// False suspicions, as proxies, firewalls and anything else between the nodes can cause them: one
/// node, or all nodes, suspect that the connection to a peer broke. Mostly that peer is the leader.
/// Half of these nodes receive messages from the peer again soon after.
///
/// False suspicions have their own random stream, so that all other draws of the run stay the same.
#[derive(Debug)]
pub(crate) struct Rumours {
    rng: Rng,
}

impl<A: ElectionAlgorithm> Simulation<A> {
    /// Starts the false suspicions.
    pub(crate) fn start_rumours(&mut self) {
        let rng = Rng::beside(self.setup.seed);
        self.rumours = Some(Rumours { rng });
        self.next_rumour();
    }

    /// Stops the false suspicions.
    pub(crate) fn stop_rumours(&mut self) {
        self.rumours = None;
    }

    pub(crate) fn spread_rumour(&mut self) {
        let (nodes, leader) = (self.nodes(), self.leader());
        let now = self.now;
        let Some(Rumours { rng }) = &mut self.rumours else {
            return; // The false suspicions were stopped.
        };
        let mut any = || nodes[rng.below(nodes.len() as u64) as usize];
        let (peer, only) = (any(), any());
        let peer = leader.filter(|_| rng.below(4) > 0).unwrap_or(peer);
        let all = rng.below(2) == 0;
        let hears = |&node: &NodeId| node != peer && (all || node == only);
        for (place, _) in nodes.iter().enumerate().filter(|(_, node)| hears(node)) {
            let at = now.saturating_add(rng.below(nanos(SPREAD)));
            let event = Happening::Suspected { peer };
            self.queue.push(at, (place as u32, event));
            if rng.below(2) == 0 {
                let at = at.saturating_add(rng.below(nanos(EVERY)));
                let event = Happening::Returned { peer };
                self.queue.push(at, (place as u32, event));
            }
        }
        self.next_rumour();
    }

    fn next_rumour(&mut self) {
        if let Some(Rumours { rng }) = &mut self.rumours {
            let wait = rng.exponential(nanos(EVERY));
            let at = self.now.saturating_add(wait);
            self.queue.push(at, (0, Happening::Rumour));
        }
    }
}
