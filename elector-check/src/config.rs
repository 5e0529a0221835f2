use elector_core::MembersChange;

use crate::Time;

/// What is checked, and within which bounds.
///
/// The values of `crashes`, `suspicions`, `commands` and `timeouts` are bounds for one whole run:
/// all nodes together may have this many of these events, at any moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckConfig<C> {
    /// The number of nodes in the cluster. Their ids are 1 to `nodes`.
    pub nodes: u64,
    /// The configuration of the algorithm, the same on all nodes. Without `time`, only one property
    /// of its durations matters: whether they are zero.
    pub config: C,
    /// The time of a run. With `None`, every timer may elapse immediately, and leases are not
    /// checked. Choose durations of a few ticks for the algorithm: see [`Time::timing`].
    pub time: Option<Time>,
    /// Whether runs begin with a leader. The first state is then one in which all nodes agree on a
    /// leader, after a shortest run without faults. Time and bounds count from that state, so rare
    /// events after an election are within reach. With `false`, runs begin when all nodes have just
    /// started.
    pub led: bool,
    /// The highest epoch. The search follows a run until the event with which a node would enter a
    /// higher epoch.
    pub max_epoch: u64,
    /// How many crashes may happen. Restarts are not bounded.
    pub crashes: u32,
    /// How many hints about the failure of a peer the nodes may get. A hint is a proof of death if
    /// the peer is down, and a suspicion if the peer runs.
    pub suspicions: u32,
    /// Whether a proof of death may be false. With `true`, hints about running peers are proofs of
    /// death too. Two nodes may then hold a lease at the same time, because a new leader is elected
    /// before the lease of the old one has ended.
    pub false_hints: bool,
    /// How many commands the application may give.
    pub commands: u32,
    /// The changes of the members that the application may command. Each counts as a command.
    pub changes: Vec<MembersChange>,
    /// How many times a timer may elapse; `None` for no bound. Some timers do not count: those that
    /// were set without a delay, those that leave their node unchanged (for example a round of
    /// heartbeats), and with `time` those of a leader that still leads afterwards. An algorithm
    /// that counts its attempts to win an election has infinitely many states, unless this bound or
    /// `time` limits the number of attempts.
    pub timeouts: Option<u32>,
    /// How many messages may be delivered in a later tick than the tick in which they were sent;
    /// `None` for no bound. All other messages arrive within their tick or are lost. This bound
    /// keeps the number of states small. Without `time` it has no effect.
    pub late: Option<u32>,
    /// Whether a message may be delivered again at any later time. With `false`, each message is
    /// delivered at most once.
    pub duplicating: bool,
    /// The search ends when it has found more distinct states than this number. The report then
    /// says that the limit was reached. `None` means no limit.
    pub max_states: Option<usize>,
}

impl<C: Default> Default for CheckConfig<C> {
    /// Returns three nodes, two epochs, one crash, no time, no hint (suspicion or proof of death)
    /// and no command.
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
            changes: Vec::new(),
            timeouts: None,
            late: None,
            duplicating: true,
            max_states: None,
        }
    }
}

impl<C> CheckConfig<C> {
    /// Returns the same bounds for another configuration of the algorithm.
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
            changes: self.changes,
            timeouts: self.timeouts,
            late: self.late,
            duplicating: self.duplicating,
            max_states: self.max_states,
        }
    }

    /// Returns the same bounds without faults and with many ticks, for the search for the first
    /// leader.
    pub(crate) fn without_faults(self) -> Self {
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

    /// Returns the bounds as text.
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
