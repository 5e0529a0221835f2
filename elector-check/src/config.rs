/// What is checked, and within which bounds.
///
/// `crashes`, `suspicions`, `commands` and `timeouts` are what may happen in one run, in all nodes
/// together and at any moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckConfig<C> {
    /// How many nodes the cluster has; their ids are 1 to `nodes`.
    pub nodes: u64,
    /// The configuration of the algorithm, the same on all nodes. Of its durations only one thing
    /// matters: whether they are zero.
    pub config: C,
    /// The highest epoch: runs are followed until a node passes it.
    pub max_epoch: u64,
    /// How many times a node may crash. Restarts are free.
    pub crashes: u32,
    /// How many hints, right or wrong, nodes may get that a peer is gone.
    pub suspicions: u32,
    /// How many commands the application may give.
    pub commands: u32,
    /// How many times a timer may elapse, if that is bounded. Timers with no delay, and those that
    /// leave their node as it was (a round of heartbeats), do not count. An algorithm that counts
    /// its tries has infinitely many states unless its tries are bounded.
    pub timeouts: Option<u32>,
    /// Whether a message, once delivered, may be delivered again at any later time. Otherwise a
    /// message is delivered at most once.
    pub duplicating: bool,
    /// Give up after about so many states (repeats count): the report then says so.
    pub max_states: Option<usize>,
    /// How many threads search. With more than one, traces need not be the shortest, nor the same
    /// in each run.
    pub threads: usize,
}

impl<C: Default> Default for CheckConfig<C> {
    /// Three nodes, two epochs, one crash, nothing else that needs a bound, one thread.
    fn default() -> Self {
        Self {
            nodes: 3,
            config: C::default(),
            max_epoch: 2,
            crashes: 1,
            suspicions: 0,
            commands: 0,
            timeouts: None,
            duplicating: true,
            max_states: None,
            threads: 1,
        }
    }
}

impl<C> CheckConfig<C> {
    /// The same bounds for another configuration.
    #[must_use]
    pub fn with<D>(self, config: D) -> CheckConfig<D> {
        CheckConfig {
            nodes: self.nodes,
            config,
            max_epoch: self.max_epoch,
            crashes: self.crashes,
            suspicions: self.suspicions,
            commands: self.commands,
            timeouts: self.timeouts,
            duplicating: self.duplicating,
            max_states: self.max_states,
            threads: self.threads,
        }
    }
}
