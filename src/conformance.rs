//! A conformance test for algorithms and hosts. A host is what drives an algorithm: here the
//! simulator, and an actor. The test runs a cluster in the simulator, and then gives the inputs of
//! each simulated node to a node on an actor. Both nodes must do the same: their trace records must
//! be equal. This module requires the feature `conformance`.
//!
//! Use this test for your own algorithms, too. It finds a host that carries out steps in another
//! way than the simulator, and an algorithm that is not deterministic (a clock, a random number,
//! the order of a hash map).
//!
//! ```
//! # #[cfg(feature = "raft")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use elector::{Raft, conformance};
//!
//! let report = conformance::check::<Raft>(5, 1).await?;
//! assert!(report.records > 100);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "raft"))]
//! # fn main() {}
//! ```

use std::time::Duration;

use elector_core::{
    Command, Configuration, ElectionAlgorithm, Input, Membership, MembershipError, Moment, NodeId,
    Outbox, View,
    actor::{NodeError, Replayer, StartError},
    debug_as_text,
    trace::{Event, EventOf, RecordOf, Stimulus},
};
use elector_sim::{Setup, SetupError, Simulation};
use thiserror::Error;

/// An algorithm that does the same as the algorithm `inner`, and records every input.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Recorder<A: ElectionAlgorithm> {
    inner: A,
    restored: A::Durable,
    inputs: Vec<TimedInput<A>>,
}

/// An input and the time of the clock at that input.
type TimedInput<A> = (
    Moment,
    Input<<A as ElectionAlgorithm>::Message, <A as ElectionAlgorithm>::Timer>,
);

impl<A: ElectionAlgorithm> Unpin for Recorder<A> {}

impl<A: ElectionAlgorithm> ElectionAlgorithm for Recorder<A> {
    const NAME: &'static str = A::NAME;
    type Guarantee = A::Guarantee;
    type Config = A::Config;
    type Message = A::Message;
    type Timer = A::Timer;
    type Durable = A::Durable;

    fn restore(config: &A::Config, members: Membership, durable: A::Durable) -> Self {
        Self {
            restored: durable.clone(),
            inner: A::restore(config, members, durable),
            inputs: Vec::new(),
        }
    }

    fn durable(&self) -> &A::Durable {
        self.inner.durable()
    }

    fn view(&self) -> View {
        self.inner.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.inner.lease()
    }

    fn has_lease(config: &A::Config) -> bool {
        A::has_lease(config)
    }

    fn step(&mut self, input: Input<A::Message, A::Timer>, out: &mut Outbox<Self>) {
        self.inputs.push((out.now(), input.clone()));
        out.scoped(
            |message| message,
            |timer| timer,
            |out| self.inner.step(input, out),
        );
    }
}

/// The size of the comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The number of nodes that were compared.
    pub nodes: usize,
    /// The number of inputs that both hosts got.
    pub inputs: usize,
    /// The number of trace records that were equal in both hosts.
    pub records: usize,
}

/// The reason why an algorithm or a host does not conform.
#[derive(Error)]
#[non_exhaustive]
pub enum NotConforming {
    /// The simulation could not be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The list of nodes is not valid, for example because it is empty.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// The simulation violated an invariant.
    #[error("in the simulation: {0}")]
    Violation(String),
    /// A node could not be started on an actor.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A node on an actor stopped.
    #[error("node {node}, at input {number}: {error}")]
    Stopped {
        /// The node that stopped.
        node: NodeId,
        /// The number of the input since the last start of the node, from 1.
        number: usize,
        /// The reason why the node stopped.
        error: NodeError,
    },
    /// The trace records of the two hosts differ.
    #[error("node {node}, record {place}: simulated {simulated:?}, on an actor {actor:?}")]
    Differs {
        /// The node whose records differ.
        node: NodeId,
        /// The index of the first record that differs, counted from 0 at the last start of the
        /// node.
        place: usize,
        /// The event in the simulator; `None` if the simulator has no record with this index.
        simulated: Option<Box<Event>>,
        /// The event on the actor; `None` if the actor has no record with this index.
        actor: Option<Box<Event>>,
    },
}

debug_as_text!(NotConforming);

/// Runs a cluster of `nodes` nodes in the simulator, with an election, commands, cut links, a crash
/// and a restart. Then repeats the last life of every node (from its last start to the end of the
/// run) on an actor, and compares the records.
///
/// # Errors
/// The first difference, or the reason why nothing could be compared.
pub async fn check<A: ElectionAlgorithm>(nodes: u64, seed: u64) -> Result<Report, NotConforming> {
    let mut setup = Setup::<Recorder<A>>::new(nodes);
    (setup.seed, setup.trace, setup.hints) = (seed, true, true);
    let config = setup.config.clone();
    let members = setup.members()?;
    let mut simulation = Simulation::try_new(setup)?;
    run_faults(&mut simulation, &config);
    if let Some(violation) = simulation.violations().first() {
        return Err(NotConforming::Violation(format!("{violation:?}")));
    }
    let mut report = Report::default();
    for &node in members.nodes() {
        let Some(recorder) = simulation.algorithm(node) else {
            continue;
        };
        let unknown = MembershipError::NotAMember(node);
        let members = members.seen_from(node).ok_or(unknown)?;
        let restored = Some(recorder.restored.clone());
        let replayer = Replayer::<A>::start(config.clone(), &members, restored).await?;
        let mut actual = Vec::new();
        for (place, (now, input)) in recorder.inputs.iter().cloned().enumerate() {
            let records = replayer.feed(input, now).await;
            actual.extend(records.map_err(|error| NotConforming::Stopped {
                node,
                number: place + 1,
                error,
            })?);
        }
        report.records += compare::<A>(node, &last_life::<A>(simulation.trace(), node), &actual)?;
        report.inputs += recorder.inputs.len();
        report.nodes += 1;
    }
    Ok(report)
}

/// Runs the simulated cluster for some seconds, with the events that [`check`] names.
fn run_faults<A: ElectionAlgorithm>(simulation: &mut Simulation<Recorder<A>>, config: &A::Config) {
    let long = config.timing().election_max * 20;
    simulation.run_until_settled(long);
    simulation.command_leader(Command::Resign);
    simulation.run_until_settled(long);
    if let Some(leader) = simulation.leader() {
        let others = simulation
            .nodes()
            .into_iter()
            .filter(|&node| node != leader);
        let one_way: Vec<_> = others.map(|other| (leader, other)).collect();
        simulation.cut(&one_way);
        simulation.run_for(config.timing().election_max * 4);
        simulation.heal();
        simulation.run_until_settled(long);
    }
    if let Some(leader) = simulation.leader() {
        simulation.crash(leader);
        simulation.run_until_settled(long);
        simulation.restart(leader);
        simulation.command(leader, Command::Campaign);
        simulation.run_for(config.timing().election_max * 4);
    }
    // In this time, the last writes end. Then the views that wait for these writes are published.
    simulation.run_for(Duration::from_millis(1));
}

/// Returns the events of a node since its last start, without the parts that belong to the host:
/// times, the numbers of messages, and the moment at which a write ended.
fn last_life<A: ElectionAlgorithm>(trace: &[RecordOf<A>], node: NodeId) -> Vec<EventOf<A>> {
    let own = trace.iter().filter(|record| record.node == Some(node));
    let events: Vec<EventOf<A>> = own.map(|record| record.event.clone()).collect();
    let is_start = |event: &EventOf<A>| match event {
        Event::Stepped { input, .. } => *input == Stimulus::Started,
        _ => false,
    };
    let first = events.iter().rposition(is_start).unwrap_or(0);
    by_step::<A>(events.into_iter().skip(first))
}

/// Returns the events that belong to a step, sorted by the numbers of their steps: with a slow
/// disk, the sends of a step can come after events of later steps.
fn by_step<A: ElectionAlgorithm>(events: impl Iterator<Item = EventOf<A>>) -> Vec<EventOf<A>> {
    let numbered = events.filter_map(|event| Some((step_of(&event)?, event)));
    let mut numbered: Vec<_> = numbered
        .map(|(at, event)| (at, unnumbered(event)))
        .collect();
    numbered.sort_by_key(|(step, _)| *step);
    numbered.into_iter().map(|(_, event)| event).collect()
}

fn step_of<M, T, D>(event: &Event<M, T, D>) -> Option<u64> {
    match event {
        Event::Stepped { step, .. }
        | Event::Sent { step, .. }
        | Event::Timer { step, .. }
        | Event::Persisting { step, .. }
        | Event::Viewed { step, .. }
        | Event::Refused { step, .. } => Some(*step),
        _ => None,
    }
}

fn unnumbered<M, T, D>(mut event: Event<M, T, D>) -> Event<M, T, D> {
    match &mut event {
        Event::Sent { id, .. } => *id = 0,
        Event::Stepped {
            input: Stimulus::Received { id, .. },
            ..
        } => *id = 0,
        _ => {}
    }
    event
}

fn compare<A: ElectionAlgorithm>(
    node: NodeId,
    simulated: &[EventOf<A>],
    actual: &[RecordOf<A>],
) -> Result<usize, NotConforming> {
    let text = |event: &EventOf<A>| Box::new(event.to_text());
    let actual = by_step::<A>(actual.iter().map(|record| record.event.clone()));
    let longest = simulated.len().max(actual.len());
    let differs = (0..longest).find(|&place| simulated.get(place) != actual.get(place));
    match differs {
        None => Ok(longest),
        Some(place) => Err(NotConforming::Differs {
            node,
            place,
            simulated: simulated.get(place).map(text),
            actor: actual.get(place).map(text),
        }),
    }
}
