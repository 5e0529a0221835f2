use elector_core::{ElectionAlgorithm, Guarantee, invariants::InvariantViolation};

use crate::{
    Checked, Outcome, Quantifier, Report,
    action::Action,
    claim::{Claim, Goal},
    cluster::{Cluster, Transition},
    describe::describe,
    state::State,
    store::{Place, Store},
};

/// A breadth-first search of the states of a cluster. Every run that it finds is as short as
/// possible.
pub(crate) struct Search<A: ElectionAlgorithm> {
    cluster: Cluster<A>,
    /// The events that led to the first state of the search, as text.
    prelude: Vec<String>,
    store: Store,
    claims: Vec<(Claim, Option<Found>)>,
    outcome: Outcome,
    states: usize,
    depth: usize,
}

/// A run that decides a claim: an example or a counterexample.
#[derive(Clone, Copy)]
enum Found {
    /// The run leads to this state.
    At(Place),
    /// The run leads to this state, and an action there causes this violation.
    After(Place, Action, InvariantViolation),
}

impl<A: ElectionAlgorithm> Search<A> {
    /// Creates a search that begins with the state `first`. The events of `prelude` led to that
    /// state.
    fn new(cluster: Cluster<A>, first: &State, prelude: Vec<String>) -> Self {
        let time = cluster.config.time;
        let mut search = Self {
            cluster,
            prelude,
            store: Store::default(),
            claims: Claim::of::<A>(time).map(|claim| (claim, None)).collect(),
            outcome: Outcome::Exhaustive,
            states: 1,
            depth: 1,
        };
        let mut packed = Vec::new();
        first.pack(&mut packed);
        search.store.insert(&packed, 0);
        search.look_at(first, 0);
        search
    }

    /// Searches until every run within the bounds was followed, until a run violates an invariant,
    /// or until there are too many states. Returns `None` if the search must begin with a leader
    /// and none was found.
    pub(crate) fn run(mut cluster: Cluster<A>) -> Option<Report> {
        let (first, violation) = cluster.initial_state();
        if let Some(violation) = violation {
            let mut search = Self::new(cluster, &first, vec![violation.to_string()]);
            search.record_violation(violation, Found::At(0));
            return Some(search.report());
        }
        let mut search = Self::new(cluster, &first, Vec::new());
        if search.cluster.config.led {
            search = search.led(first)?;
        }
        if search.outcome != Outcome::Violated {
            search.follow(None);
        }
        Some(search.report())
    }

    /// Returns a search that begins in the first state in which all nodes agree on a leader. If a
    /// run to such a state violates an invariant, returns the search that found the violation.
    /// Returns `None` if no such state was found.
    fn led(mut self, mut first: State) -> Option<Self> {
        let bounds = self.cluster.config.clone();
        self.cluster.config = bounds.clone().without_faults();
        first.budgets = self.cluster.budgets();
        self = Self::new(self.cluster, &first, Vec::new());
        self.follow(Some(Claim::Sometimes(Goal::AllAgree)));
        self.cluster.config = bounds;
        if self.outcome == Outcome::Violated {
            return Some(self);
        }
        let found = self.found(Claim::Sometimes(Goal::AllAgree))?;
        let prelude = self.trace(found);
        let Found::At(place) = found else {
            return None;
        };
        self.load(place, &mut first);
        first.budgets = self.cluster.budgets();
        self.cluster.first_tick = first.now;
        Some(Self::new(self.cluster, &first, prelude))
    }

    /// Follows the states in the order in which they were found. With a `goal`, stops at the first
    /// state that meets the goal.
    fn follow(&mut self, goal: Option<Claim>) {
        let (mut state, mut next) = (State::default(), State::default());
        let (mut actions, mut packed) = (Vec::new(), Vec::new());
        let limit = self.cluster.config.max_states.unwrap_or(usize::MAX);
        // A level contains all states that are the same number of events away from the first state.
        // `last_of_level` is the last state of the current level. States that are found now belong
        // to the next level.
        let (mut place, mut last_of_level, mut newest) = (0, 0, 0);
        loop {
            self.load(place, &mut state);
            self.cluster.actions(&state, &mut actions);
            for &action in &actions {
                match self.cluster.apply(&state, action, &mut next) {
                    Transition::Nothing => continue,
                    Transition::Violation(violation) => {
                        return self
                            .record_violation(violation, Found::After(place, action, violation));
                    }
                    Transition::State => {}
                }
                self.states += 1;
                next.pack(&mut packed);
                let Some(found) = self.store.insert(&packed, place) else {
                    continue;
                };
                newest = found;
                self.look_at(&next, found);
                if goal.is_some_and(|goal| self.found(goal).is_some()) {
                    return;
                }
                if self.store.len() > limit {
                    self.outcome = Outcome::LimitReached;
                    return;
                }
            }
            if place == last_of_level {
                self.depth += usize::from(newest != place);
                last_of_level = newest;
            }
            match self.store.after(place) {
                Some(after) => place = after,
                None => return,
            }
        }
    }

    fn found(&self, claim: Claim) -> Option<Found> {
        let mut named = self.claims.iter().filter(|it| it.0 == claim);
        named.next()?.1
    }

    fn load(&self, place: Place, state: &mut State) {
        let nodes = self.cluster.config.nodes as usize;
        state.unpack(self.store.get(place).1, nodes);
    }

    /// Records this new state as the example of each goal that it meets, if no earlier state has
    /// met the goal.
    fn look_at(&mut self, state: &State, place: Place) {
        for (claim, found) in &mut self.claims {
            if found.is_none()
                && let Claim::Sometimes(goal) = claim
                && goal.is_met(&self.cluster, state)
            {
                *found = Some(Found::At(place));
            }
        }
    }

    fn record_violation(&mut self, violation: InvariantViolation, by: Found) {
        self.outcome = Outcome::Violated;
        let refuted = Claim::Always(violation.invariant());
        for (claim, found) in &mut self.claims {
            if *claim == refuted {
                *found = Some(by);
            }
        }
    }

    fn report(mut self) -> Report {
        let claims = std::mem::take(&mut self.claims);
        let properties = claims.into_iter().map(|(claim, found)| Checked {
            name: claim.name(),
            quantifier: match claim {
                Claim::Always(_) => Quantifier::Always,
                Claim::Sometimes(_) => Quantifier::Sometimes,
            },
            trace: found.map(|found| self.trace(found)),
        });
        Report {
            properties: properties.collect(),
            algorithm: A::NAME,
            guarantee: A::Guarantee::KIND,
            bounds: self.cluster.config.bounds(),
            outcome: self.outcome,
            states: self.states,
            unique_states: self.store.len(),
            bytes: self.store.bytes() + self.cluster.steps.bytes(),
            max_depth: self.depth,
        }
    }

    /// Returns the events of this run as text. The events of the prelude come first.
    fn trace(&mut self, found: Found) -> Vec<String> {
        let (Found::At(place) | Found::After(place, ..)) = found;
        let ancestors = std::iter::successors(Some(place), |&place| {
            (place > 0).then(|| self.store.get(place).0)
        });
        let mut run: Vec<Place> = ancestors.collect();
        run.reverse();
        let steps = run.windows(2);
        let mut lines = self.prelude.clone();
        lines.extend(steps.map(|step| self.step(step[0], step[1])));
        if let Found::After(_, action, violation) = found {
            let (mut state, mut next) = (State::default(), State::default());
            self.load(place, &mut state);
            self.cluster.apply(&state, action, &mut next);
            let step = (&state, action, &next);
            lines.push(describe(&self.cluster, step, Some(violation)));
        }
        lines
    }

    /// Returns the event that leads from a state to one of its child states, as text.
    fn step(&mut self, parent: Place, child: Place) -> String {
        let (mut before, mut after) = (State::default(), State::default());
        self.load(parent, &mut before);
        self.load(child, &mut after);
        let (mut actions, mut next) = (Vec::new(), State::default());
        self.cluster.actions(&before, &mut actions);
        let mut leads = |&action: &Action| {
            self.cluster.apply(&before, action, &mut next) == Transition::State && next == after
        };
        let action = actions.into_iter().find(|action| leads(action));
        action.map_or_else(String::new, |action| {
            describe(&self.cluster, (&before, action, &after), None)
        })
    }
}
