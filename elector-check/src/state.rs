use elector_core::{ElectionAlgorithm, Epoch, View};

use crate::{breach::Breach, hashed::Hashed, history::History, network::Network};

/// The whole cluster at one moment.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct State<A: ElectionAlgorithm> {
    /// By position: node 1 comes first.
    pub(crate) nodes: Vec<Hashed<Node<A>>>,
    pub(crate) network: Network<A::Message>,
    pub(crate) history: Hashed<History>,
    pub(crate) left: Budgets,
    /// The first thing that went wrong. Nothing happens after it.
    pub(crate) breach: Option<Breach>,
}

/// How much of what is bounded may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Budgets {
    pub(crate) crashes: u32,
    pub(crate) suspicions: u32,
    pub(crate) commands: u32,
    /// Unbounded if there is none.
    pub(crate) timeouts: Option<u32>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node<A: ElectionAlgorithm> {
    pub(crate) life: Life<A>,
    /// The newest epoch it has shown, in all its lives.
    pub(crate) shown: Epoch,
}

/// Whether a node runs. A step is atomic, so what a running node has on its disk is always
/// [`ElectionAlgorithm::durable`] of its state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Life<A: ElectionAlgorithm> {
    Up {
        algorithm: A,
        timers: Timers<A::Timer>,
    },
    Down {
        durable: A::Durable,
    },
}

/// The timers that run, in ascending order, and whether each has no delay.
pub(crate) type Timers<T> = Vec<(T, bool)>;

impl<A: ElectionAlgorithm> Node<A> {
    /// What it shows, if it runs.
    pub(crate) fn view(&self) -> Option<View> {
        match &self.life {
            Life::Up { algorithm, .. } => Some(algorithm.view()),
            Life::Down { .. } => None,
        }
    }
}

impl<A: ElectionAlgorithm> State<A> {
    /// What the nodes that run show.
    pub(crate) fn views(&self) -> impl Iterator<Item = View> + '_ {
        self.nodes.iter().filter_map(|node| node.view())
    }
}

// Derived, it would ask for `A: Clone` in the messages and timers too.
impl<A: ElectionAlgorithm> Clone for State<A> {
    fn clone(&self) -> Self {
        Self {
            nodes: self.nodes.clone(),
            network: self.network.clone(),
            history: self.history.clone(),
            left: self.left,
            breach: self.breach,
        }
    }
}
