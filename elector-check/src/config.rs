use crate::Time;

/// What is checked, and within which bounds.
///
/// `crashes`, `suspicions`, `commands` and `timeouts` are what may happen in one run, in all nodes
/// together and at any moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckConfig<C> {
    /// How many nodes the cluster has; their ids are 1 to `nodes`.
    pub nodes: u64,
    /// The configuration of the algorithm, the same on all nodes. Without `time`, only one thing
    /// matters of its durations: whether they are zero.
    pub config: C,
    /// The time of a run; none lets every timer elapse at once, and no lease is looked at. Choose
    /// durations of a few ticks: [`Time::timing`].
    pub time: Option<Time>,
    /// Whether runs begin with a leader: where all nodes agree on one for the first time, after a
    /// shortest run without faults. Otherwise they begin when all nodes have just started. The time
    /// and all that is bounded count from there, so that rare things after an election are near.
    pub led: bool,
    /// The highest epoch: runs are followed until a node passes it.
    pub max_epoch: u64,
    /// How many times a node may crash. Restarts are free.
    pub crashes: u32,
    /// How many hints nodes may get that a peer is gone: a proof of its death if it is down, a
    /// suspicion if it runs.
    pub suspicions: u32,
    /// Whether a proof of death may be wrong: hints about peers that run are proofs, too. Two nodes
    /// may then hold a lease at the same time, as a new leader is elected before the lease of the
    /// old one has ended.
    pub false_hints: bool,
    /// How many commands the application may give.
    pub commands: u32,
    /// How many times a timer may elapse, if that is bounded. Timers with no delay, and those that
    /// leave their node as it was (a round of heartbeats), do not count; with `time`, neither do
    /// those of a leader that goes on leading. An algorithm that counts its tries has infinitely
    /// many states unless its tries or its time are bounded.
    pub timeouts: Option<u32>,
    /// How many messages may be delivered in a later tick than the one they were sent in, if that
    /// is bounded: the others arrive within their tick, or are lost. It is the bound that makes
    /// long runs small. Without `time` it has no meaning.
    pub late: Option<u32>,
    /// Whether a message, once delivered, may be delivered again at any later time. Otherwise a
    /// message is delivered at most once.
    pub duplicating: bool,
    /// Give up when there are more distinct states: the report then says so.
    pub max_states: Option<usize>,
}

impl<C: Default> Default for CheckConfig<C> {
    /// Three nodes, two epochs, one crash, no time, nothing else that needs a bound.
    fn default() -> Self {
        Self {
            nodes: 3,
            config: C::default(),
            time: None,
            led: false,
            max_epoch: 2,
            crashes: 1,
            suspicions: 0,
            false_hints: false,
            commands: 0,
            timeouts: None,
            late: None,
            duplicating: true,
            max_states: None,
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
            time: self.time,
            led: self.led,
            max_epoch: self.max_epoch,
            crashes: self.crashes,
            suspicions: self.suspicions,
            false_hints: self.false_hints,
            commands: self.commands,
            timeouts: self.timeouts,
            late: self.late,
            duplicating: self.duplicating,
            max_states: self.max_states,
        }
    }

    /// Bounds for the search for a first leader.
    pub(crate) fn calm(self) -> Self {
        let ticks = 100;
        Self {
            time: self.time.map(|time| Time { ticks, ..time }),
            crashes: 0,
            suspicions: 0,
            commands: 0,
            timeouts: None,
            late: Some(0),
            ..self
        }
    }

    /// The bounds in words.
    pub(crate) fn bounds(&self) -> String {
        let many = |count: u64, what: &str| match count {
            0 => format!("no {what}"),
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        let mut bounds = vec![many(self.nodes, "node")];
        if self.led {
            bounds.push("led at the beginning".to_owned());
        }
        bounds.push(match self.time {
            Some(time) => format!("{} of {:?}", many(time.ticks.into(), "tick"), time.tick),
            None => "no time".to_owned(),
        });
        bounds.push(format!("epochs up to {}", self.max_epoch));
        bounds.push(match self.timeouts {
            Some(timeouts) => many(timeouts.into(), "timeout"),
            None => "any number of timeouts".to_owned(),
        });
        bounds.push(many(self.crashes.into(), "crash").replace("crashs", "crashes"));
        bounds.push(many(self.commands.into(), "command"));
        bounds.push(match (self.suspicions, self.false_hints) {
            (0, _) => "no hint".to_owned(),
            (hints, true) => format!("{}, proofs may be false", many(hints.into(), "hint")),
            (hints, false) => format!("{}, proofs are true", many(hints.into(), "hint")),
        });
        if self.time.is_some() {
            bounds.push(match self.late {
                Some(late) => many(late.into(), "late message"),
                None => "any number of late messages".to_owned(),
            });
        }
        bounds.push(match self.duplicating {
            true => "each message delivered any number of times".to_owned(),
            false => "each message delivered at most once".to_owned(),
        });
        bounds.join(", ")
    }
}
