//! One suite for every algorithm, in both hosts: whatever the simulator gave each node to handle is
//! given to a node on an actor, and both must do the same, record by record. Feature `conformance`.
//!
//! It is for algorithms of your own too. What it finds: a host that carries out steps in another
//! way, and an algorithm that is not deterministic (a clock, a random number, the order of a hash
//! map).
//!
//! ```
//! # #[cfg(feature = "raft")]
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use elector::{conformance, raft::Raft};
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
    trace::{Event, Record, Stimulus},
};
use elector_sim::{Setup, SetupError, Simulation};
use thiserror::Error;

/// An algorithm that keeps every input it was given, and is the inner one in all else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Taped<A: ElectionAlgorithm> {
    inner: A,
    restored: A::Durable,
    inputs: Vec<Given<A>>,
}

/// An input, and the reading of the clock that came with it.
type Given<A> = (
    Moment,
    Input<<A as ElectionAlgorithm>::Message, <A as ElectionAlgorithm>::Timer>,
);

impl<A: ElectionAlgorithm> Unpin for Taped<A> {}

impl<A: ElectionAlgorithm> ElectionAlgorithm for Taped<A> {
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

/// What was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Nodes.
    pub nodes: usize,
    /// Inputs that were given to both hosts.
    pub inputs: usize,
    /// Records that were the same in both.
    pub records: usize,
}

/// Why an algorithm, or a host, does not conform.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotConforming {
    /// The simulation could not be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// There are no nodes.
    #[error(transparent)]
    Membership(#[from] MembershipError),
    /// An invariant did not hold in the simulation.
    #[error("in the simulation: {0}")]
    Violation(String),
    /// A node could not be started on an actor.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A node stopped on the actor.
    #[error("node {node}, at input {number}: {error}")]
    Stopped {
        /// The node.
        node: NodeId,
        /// The number of the input in this life of the node, from 1.
        number: usize,
        /// Why.
        error: NodeError,
    },
    /// The hosts differ.
    #[error("node {node}, record {place}: simulated {simulated:?}, on an actor {actor:?}")]
    Differs {
        /// The node.
        node: NodeId,
        /// The place of the record in the node's last life, from 0.
        place: usize,
        /// What the simulator recorded.
        simulated: Option<Box<Event>>,
        /// What the actor did.
        actor: Option<Box<Event>>,
    },
}

/// Runs a cluster of `nodes` in the simulator, with an election, commands, a cut, a crash and a
/// restart, and then every node's last life on an actor.
///
/// # Errors
/// The first difference, or why there is nothing to compare.
pub async fn check<A: ElectionAlgorithm>(nodes: u64, seed: u64) -> Result<Report, NotConforming> {
    let mut setup = Setup::<Taped<A>>::new(nodes);
    (setup.seed, setup.trace, setup.hints) = (seed, true, true);
    let config = setup.config.clone();
    let members = setup.members()?;
    let mut simulation = Simulation::try_new(setup)?;
    play(&mut simulation, &config);
    if let Some(violation) = simulation.violations().first() {
        return Err(NotConforming::Violation(format!("{violation:?}")));
    }
    let mut report = Report::default();
    for &node in members.nodes() {
        let Some(taped) = simulation.algorithm(node) else {
            continue;
        };
        let stranger = MembershipError::NotAMember(node);
        let members = members.seen_from(node).ok_or(stranger)?;
        let restored = Some(taped.restored.clone());
        let replayer = Replayer::<A>::start(config.clone(), &members, restored).await?;
        let mut done = Vec::new();
        for (place, (now, input)) in taped.inputs.iter().cloned().enumerate() {
            let records = replayer.feed(input, now).await;
            done.extend(records.map_err(|error| NotConforming::Stopped {
                node,
                number: place + 1,
                error,
            })?);
        }
        report.records += compare(node, &last_life(simulation.trace(), node), &done)?;
        report.inputs += taped.inputs.len();
        report.nodes += 1;
    }
    Ok(report)
}

/// All that can happen to a node, in some seconds.
fn play<A: ElectionAlgorithm>(simulation: &mut Simulation<Taped<A>>, config: &A::Config) {
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
    // Whatever was shown late has been shown by now.
    simulation.run_for(Duration::from_millis(1));
}

/// What the node itself did since it was last started, without what is the host's: times, the
/// numbers of messages, and the moment at which a write ended.
fn last_life(trace: &[Record], node: NodeId) -> Vec<Event> {
    let own = || trace.iter().filter(|record| record.node == Some(node));
    let started = |record: &Record| matches!(&record.event, Event::Stepped { input, .. } if *input == Stimulus::Started);
    let begun = own().collect::<Vec<_>>();
    let first = begun
        .iter()
        .rposition(|record| started(record))
        .unwrap_or(0);
    by_step(begun[first..].iter().map(|record| record.event.clone()))
}

/// A slow disk shows a step's sends after later steps: put them where they belong.
fn by_step(events: impl Iterator<Item = Event>) -> Vec<Event> {
    let numbered = events.filter_map(|event| Some((number(&event)?, event)));
    let mut numbered: Vec<_> = numbered
        .map(|(at, event)| (at, unnumbered(event)))
        .collect();
    numbered.sort_by_key(|(step, _)| *step);
    numbered.into_iter().map(|(_, event)| event).collect()
}

fn number(event: &Event) -> Option<u64> {
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

fn unnumbered(mut event: Event) -> Event {
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

fn compare(node: NodeId, simulated: &[Event], done: &[Record]) -> Result<usize, NotConforming> {
    let done = by_step(done.iter().map(|record| record.event.clone()));
    let longest = simulated.len().max(done.len());
    let differs = (0..longest).find(|&place| simulated.get(place) != done.get(place));
    match differs {
        None => Ok(longest),
        Some(place) => Err(NotConforming::Differs {
            node,
            place,
            simulated: simulated.get(place).cloned().map(Box::new),
            actor: done.get(place).cloned().map(Box::new),
        }),
    }
}
