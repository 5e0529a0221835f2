//! The model of the protocol: its states, its steps, and the rules that a [`Variant`] drops.

use crate::properties;
use crate::server::{Members, Server, Set, majorities_meet, majority};
use stateright::{Model, Property};

/// A state of the model: the state of each of the `N` servers.
pub type State<const N: usize> = [Server; N];

/// The rules that the model has: those of the protocol, or those of the protocol without one rule
/// or two. A change is the step of a leader to another configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The protocol. Before a change, one majority must hold the leader's configuration and also be
    /// in the leader's term.
    OneMajority,
    /// The protocol. Before a change, one majority must hold the leader's configuration, and one
    /// must be in the leader's term. The two majorities may differ.
    TwoMajorities,
    /// Without rule Q1: a leader may change its configuration although no majority holds it.
    NoConfigQuorum,
    /// Without rule Q2: a leader may change its configuration although no majority is in its term.
    NoTermQuorum,
    /// Without the rules Q1 and Q2: a leader may change its configuration although no majority
    /// holds it, and although no majority is in its term.
    NoQuorums,
    /// Without the comparison of configurations: a server may vote for a candidate with an older
    /// configuration than its own.
    NoComparison,
    /// Without the rewrite: the winner of an election does not set the term of its configuration to
    /// its new term.
    NoRewrite,
    /// Without the overlap: the majorities of the old and the new configuration need not have a
    /// server in common.
    NoOverlap,
}

/// One step of the protocol. Servers are named by their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The candidate wins the next term by the votes of a majority, which includes itself.
    BecomeLeader {
        /// The server that wins the next term.
        candidate: usize,
        /// The majority that votes for the candidate, including the candidate.
        voters: Set,
    },
    /// The leader changes its configuration.
    Reconfig {
        /// The leader that changes its configuration.
        leader: usize,
        /// The members of the next configuration.
        config: Set,
    },
    /// A server gives its newer configuration to a server that does not lead.
    SendConfig {
        /// The server with the newer configuration.
        from: usize,
        /// The server that replaces its configuration by the newer one.
        to: usize,
    },
    /// A server gives its higher term to another server, which then does not lead.
    UpdateTerms {
        /// The server with the higher term.
        from: usize,
        /// The server that replaces its term by the higher one.
        to: usize,
    },
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::BecomeLeader { candidate, voters } => {
                write!(
                    f,
                    "{} leads by the votes of {}",
                    candidate + 1,
                    Members(voters)
                )
            }
            Self::Reconfig { leader, config } => {
                write!(f, "{} changes to {}", leader + 1, Members(config))
            }
            Self::SendConfig { from, to } => {
                write!(f, "{} gives its configuration to {}", from + 1, to + 1)
            }
            Self::UpdateTerms { from, to } => {
                write!(f, "{} gives its term to {}", from + 1, to + 1)
            }
        }
    }
}

/// Another order of the servers. States that differ only in the order of the servers count as one
/// state.
#[derive(Clone, Debug)]
struct Permutation<const N: usize> {
    /// For each index in the new order, the index of the server in the old order.
    order: [usize; N],
    /// For each set of servers in the old order, the same set in the new order.
    image: [Set; 64],
}

impl<const N: usize> Permutation<N> {
    fn apply(&self, state: &State<N>) -> impl Iterator<Item = Server> {
        let server = |i: usize| state[i].with_config(self.image[usize::from(state[i].config())]);
        self.order.iter().map(move |&i| server(i))
    }
}

/// The model: `N` servers, whose terms and versions have upper bounds, so that the number of states
/// is finite.
#[derive(Clone, Debug)]
pub struct Reconfiguration<const N: usize> {
    variant: Variant,
    max_term: u16,
    max_version: u16,
    single: bool,
    starts: Vec<Set>,
    targets: Vec<Set>,
    only: Option<&'static str>,
    symmetry: Vec<Permutation<N>>,
}

impl<const N: usize> Reconfiguration<N> {
    /// Returns a model that may start from every configuration, and in which a change may lead to
    /// every configuration.
    ///
    /// # Panics
    ///
    /// Panics if there are more than 6 servers, or if a bound is more than 6.
    #[must_use]
    pub fn new(variant: Variant, max_term: u16, max_version: u16) -> Self {
        assert!(
            N <= 6 && max_term <= 6 && max_version <= 6,
            "a server has 16 bits"
        );
        let all: Vec<Set> = (1..1 << N).collect();
        let symmetry = permutations(&all, &all);
        let (starts, targets) = (all.clone(), all);
        let (single, only) = (false, None);
        Self {
            variant,
            max_term,
            max_version,
            single,
            starts,
            targets,
            only,
            symmetry,
        }
    }

    /// Restricts the model to one first configuration and to changes to `targets`, each of which
    /// adds or removes one server.
    #[must_use]
    pub fn single_changes(mut self, start: Set, targets: &[Set]) -> Self {
        self.single = true;
        self.starts = vec![start];
        self.targets = targets.to_vec();
        self.symmetry = permutations(&self.starts, &self.targets);
        self
    }

    /// Restricts the properties that a search checks to the one with this name.
    #[must_use]
    pub fn only(mut self, name: &'static str) -> Self {
        self.only = Some(name);
        self
    }

    /// Switches the merging of states off: states that differ only in the order of the servers then
    /// count as different states. So each server keeps its index along a path.
    #[must_use]
    pub fn without_symmetry(mut self) -> Self {
        self.symmetry.clear();
        self
    }

    /// Returns the same state with the servers in the order that makes the state smallest. All
    /// states that differ only in the order of the servers have the same result.
    #[must_use]
    pub fn canonical(&self, state: &State<N>) -> State<N> {
        let first = self
            .symmetry
            .iter()
            .min_by(|a, b| a.apply(state).cmp(b.apply(state)));
        let mut servers = first
            .into_iter()
            .flat_map(|permutation| permutation.apply(state));
        state.map(|server| servers.next().unwrap_or(server))
    }

    /// Returns `true` if `voter` votes for `candidate` in the candidate's next term.
    fn votes(&self, voter: Server, candidate: Server) -> bool {
        voter.term() <= candidate.term()
            && (self.variant == Variant::NoComparison || voter.name() <= candidate.name())
    }

    /// Returns `true` if `leader` may leave its present configuration: the majorities that the
    /// variant requires hold this configuration and are in the leader's term.
    fn may_leave(&self, state: &State<N>, leader: Server) -> bool {
        let config = leader.config();
        let holds = set_of(state, |server| server.name() == leader.name());
        let in_term = set_of(state, |server| server.term() == leader.term());
        match self.variant {
            Variant::OneMajority => majority(holds & in_term, config),
            Variant::NoConfigQuorum => majority(in_term, config),
            Variant::NoTermQuorum => majority(holds, config),
            Variant::NoQuorums => true,
            _ => majority(holds, config) && majority(in_term, config),
        }
    }

    /// Returns `true` if the members of the two configurations allow a leader to change from `old`
    /// to `new`.
    fn may_follow(&self, old: Set, new: Set) -> bool {
        (!self.single || (old ^ new).is_power_of_two())
            && (self.variant == Variant::NoOverlap || majorities_meet(old, new))
    }

    fn push_elections(&self, state: &State<N>, candidate: usize, steps: &mut Vec<Step>) {
        let me = 1 << candidate;
        let config = state[candidate].config();
        let willing = set_of(state, |voter| self.votes(voter, state[candidate])) & config;
        let voters = subsets(willing).filter(|voters| voters & me != 0);
        let elected = voters.filter(|&voters| majority(voters, config));
        steps.extend(elected.map(|voters| Step::BecomeLeader { candidate, voters }));
    }

    fn push_changes(&self, state: &State<N>, leader: usize, steps: &mut Vec<Step>) {
        let server = state[leader];
        if server.is_primary() && self.may_leave(state, server) {
            let targets = self.targets.iter().copied().filter(|&config| {
                config & 1 << leader != 0 && self.may_follow(server.config(), config)
            });
            steps.extend(targets.map(|config| Step::Reconfig { leader, config }));
        }
    }
}

impl<const N: usize> Model for Reconfiguration<N> {
    type State = State<N>;
    type Action = Step;

    fn init_states(&self) -> Vec<State<N>> {
        let states = self
            .starts
            .iter()
            .map(|&config| self.canonical(&[Server::new(config); N]));
        let mut states: Vec<_> = states.collect();
        states.sort_unstable();
        states.dedup();
        states
    }

    fn actions(&self, state: &State<N>, steps: &mut Vec<Step>) {
        for from in 0..N {
            self.push_elections(state, from, steps);
            self.push_changes(state, from, steps);
            for to in 0..N {
                if !state[to].is_primary() && state[from].name() > state[to].name() {
                    steps.push(Step::SendConfig { from, to });
                }
                if state[from].term() > state[to].term() {
                    steps.push(Step::UpdateTerms { from, to });
                }
            }
        }
    }

    fn next_state(&self, state: &State<N>, step: Step) -> Option<State<N>> {
        let mut next = *state;
        match step {
            Step::BecomeLeader { candidate, voters } => {
                let term = state[candidate].term() + 1;
                for voter in (0..N).filter(|voter| voters & 1 << voter != 0) {
                    next[voter] = state[voter].in_term(term, voter == candidate);
                }
                if self.variant != Variant::NoRewrite {
                    next[candidate] = next[candidate].with_config_term(term);
                }
            }
            Step::Reconfig { leader, config } => next[leader] = state[leader].reconfigured(config),
            Step::SendConfig { from, to } => next[to] = state[to].holding(state[from]),
            Step::UpdateTerms { from, to } => {
                next[to] = state[to].in_term(state[from].term(), false);
            }
        }
        Some(self.canonical(&next))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = properties::all();
        all.retain(|property| self.only.is_none_or(|name| name == property.name));
        all
    }

    fn within_boundary(&self, state: &State<N>) -> bool {
        let within = |s: &Server| s.term() <= self.max_term && s.version() <= self.max_version;
        state.iter().all(within)
    }
}

/// Returns the set of servers for which `holds` is `true`.
pub(crate) fn set_of<const N: usize>(state: &State<N>, holds: impl Fn(Server) -> bool) -> Set {
    (0..N).fold(0, |set, i| set | Set::from(holds(state[i])) << i)
}

/// Returns all subsets of `set`.
fn subsets(set: Set) -> impl Iterator<Item = Set> {
    (0..=set).filter(move |subset| subset & !set == 0)
}

/// Returns the orders of the servers that map `starts` to itself and `targets` to itself. The model
/// stays the same under these orders.
fn permutations<const N: usize>(starts: &[Set], targets: &[Set]) -> Vec<Permutation<N>> {
    let mut found = Vec::new();
    for code in 0..N.pow(N as u32) {
        let order: [usize; N] = std::array::from_fn(|i| code / N.pow(i as u32) % N);
        let image = |set: usize| {
            (0..N).fold(0, |moved, i| {
                moved | Set::from(set & 1 << order[i] != 0) << i
            })
        };
        let keeps = |family: &[Set]| {
            family
                .iter()
                .all(|&set| family.contains(&image(set.into())))
        };
        let is_order = (0..N).all(|server| order.contains(&server));
        if is_order && keeps(starts) && keeps(targets) {
            found.push(Permutation {
                order,
                image: std::array::from_fn(image),
            });
        }
    }
    found
}
