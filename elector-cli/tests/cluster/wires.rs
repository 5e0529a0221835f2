use std::{collections::BTreeMap, net::SocketAddr};

use tokio::runtime::Runtime;

use crate::proxy::{Mode, Wire};

/// The wires of a cluster: a proxy from each node to each other node. A wire carries the messages
/// from the first node to the second, and the answers of the second node to pings.
pub(crate) struct Wires {
    // Fields are dropped in the order of their declaration, and the wires (proxies) must be dropped
    // before their runtime.
    of: BTreeMap<(u64, u64), Wire>,
    runtime: Runtime,
}

impl Wires {
    /// Creates the wires (proxies) between nodes with these addresses. The ids of the nodes begin
    /// at 1, in the order of the addresses.
    pub(crate) fn new(nodes: &[SocketAddr]) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let mut of = BTreeMap::new();
        for (to, &target) in (1..).zip(nodes) {
            for from in (1..).take(nodes.len()).filter(|&from| from != to) {
                let port = 7200 + u16::try_from(from * 32 + to).unwrap();
                let address = SocketAddr::new(target.ip(), port);
                let wire = runtime.block_on(Wire::at(address, target));
                of.insert((from, to), wire);
            }
        }
        Self { of, runtime }
    }

    /// Returns the address at which the node `from` must connect to reach the node `to`.
    pub(crate) fn address(&self, from: u64, to: u64) -> SocketAddr {
        self.of[&(from, to)].address
    }

    /// Sets the mode of each wire (proxy): whether it passes, drops or delays data.
    pub(crate) fn set(&self, mode: impl Fn(u64, u64) -> Mode) {
        for (&(from, to), wire) in &self.of {
            wire.set(mode(from, to));
        }
    }

    /// Breaks the connections between a node and all other nodes.
    pub(crate) fn reset(&self, node: u64) {
        let ends = |&(&(from, to), _): &(&(u64, u64), &Wire)| from == node || to == node;
        self.of
            .iter()
            .filter(ends)
            .for_each(|(_, wire)| wire.reset());
    }

    /// Informs the wires (proxies) to a node that the process of the node will end. After its end,
    /// the wires to the node refuse connections, as the address of the node does.
    pub(crate) fn foresee_end(&self, node: u64) {
        self.to(node).for_each(Wire::foresee_end);
    }

    /// Informs the wires (proxies) to the node that the node will be started again.
    pub(crate) fn foresee_return(&self, node: u64) {
        for wire in self.to(node) {
            self.runtime.block_on(wire.foresee_return());
        }
    }

    fn to(&self, node: u64) -> impl Iterator<Item = &Wire> {
        let wires = self.of.iter().filter(move |((_, to), _)| *to == node);
        wires.map(|(_, wire)| wire)
    }
}
