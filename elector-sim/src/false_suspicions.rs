use std::time::Duration;

use elector_core::{ElectionAlgorithm, NodeId, nanos};

use crate::{Simulation, machine::MachineEvent, rng::Rng};

/// The mean time between two false suspicions in the whole cluster.
const MEAN_INTERVAL: Duration = Duration::from_millis(25);

/// The maximum of the random delay after which a node gets a false suspicion. If several nodes get
/// the same suspicion, the delay is drawn for each node alone.
const SPREAD_TIME: Duration = Duration::from_millis(2);

/// The source of false suspicions. Proxies, firewalls and other devices between the nodes can cause
/// a false suspicion: one node, or every node, suspects that the connection to a peer broke,
/// although it did not. Mostly that peer is the leader. With a probability of one half for each of
/// these nodes, the host of the node soon reports that it receives messages from the peer again.
///
/// False suspicions have their own random stream, so that all other draws of the run stay the same.
#[derive(Debug)]
pub(crate) struct FalseSuspicions {
    rng: Rng,
}

impl<A: ElectionAlgorithm> Simulation<A> {
    /// Starts the false suspicions: they occur from now on.
    pub(crate) fn start_false_suspicions(&mut self) {
        let rng = Rng::second_stream(self.setup.seed);
        self.false_suspicions = Some(FalseSuspicions { rng });
        self.schedule_false_suspicion();
    }

    /// Stops the false suspicions: no new one occurs from now on.
    pub(crate) fn stop_false_suspicions(&mut self) {
        self.false_suspicions = None;
    }

    pub(crate) fn spread_false_suspicion(&mut self) {
        let (nodes, leader) = (self.nodes(), self.leader());
        let now = self.now;
        let Some(FalseSuspicions { rng }) = &mut self.false_suspicions else {
            return; // The false suspicions were stopped.
        };
        let mut any = || nodes[rng.below(nodes.len() as u64) as usize];
        let (peer, only) = (any(), any());
        let peer = leader.filter(|_| rng.below(4) > 0).unwrap_or(peer);
        let all = rng.below(2) == 0;
        let gets_it = |&node: &NodeId| node != peer && (all || node == only);
        for (place, _) in nodes.iter().enumerate().filter(|(_, node)| gets_it(node)) {
            let at = now.saturating_add(rng.below(nanos(SPREAD_TIME)));
            let event = MachineEvent::Suspected { peer };
            self.queue.push(at, (place as u32, event));
            if rng.below(2) == 0 {
                let at = at.saturating_add(rng.below(nanos(MEAN_INTERVAL)));
                let event = MachineEvent::Returned { peer };
                self.queue.push(at, (place as u32, event));
            }
        }
        self.schedule_false_suspicion();
    }

    fn schedule_false_suspicion(&mut self) {
        if let Some(FalseSuspicions { rng }) = &mut self.false_suspicions {
            let wait = rng.exponential(nanos(MEAN_INTERVAL));
            let at = self.now.saturating_add(wait);
            self.queue.push(at, (0, MachineEvent::FalseSuspicion));
        }
    }
}
