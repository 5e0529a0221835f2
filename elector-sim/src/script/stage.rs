use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
};

use elector_core::{
    Command, Configuration as _, ElectionAlgorithm, Input, Membership, Moment, NodeId, Outgoing,
    View,
};

use super::{
    actor::{Actor, Transcript},
    command::{Choice, Order},
    flight::{Flight, Flights, text},
};

/// More than any sensible scenario takes, and few enough to end at once.
const STEPS_PER_COMMAND: usize = 10_000;

/// The nodes of a script, what is between them, and the text it has produced so far.
pub(super) struct Stage<A: ElectionAlgorithm> {
    config: Option<A::Config>,
    actors: BTreeMap<NodeId, Actor<A>>,
    flying: Flights<A::Message>,
    quiet: bool,
    clock: u64,
    steps_left: usize,
    text: String,
}

impl<A: ElectionAlgorithm> Stage<A> {
    pub(super) fn new() -> Self {
        Self {
            config: None,
            actors: BTreeMap::new(),
            flying: Flights::new(),
            quiet: false,
            clock: 0,
            steps_left: 0,
            text: String::new(),
        }
    }

    pub(super) fn into_output(self) -> String {
        self.text
    }

    /// Adds a line to the output.
    pub(super) fn note(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// Carries out one command; the error says why it cannot be.
    pub(super) fn obey(&mut self, order: &Order<'_>) -> Result<(), String> {
        self.steps_left = STEPS_PER_COMMAND;
        if self.actors.is_empty()
            && !matches!(order, Order::Config(_) | Order::Nodes(_) | Order::Quiet(_))
        {
            return Err("there are no nodes yet: `nodes 1 2 3` must come first".into());
        }
        match order {
            Order::Config(json) => self.configure(json),
            Order::Nodes(nodes) => self.people(nodes),
            Order::Start(nodes) => self.start(nodes),
            Order::Elapse { node, timer } => self.elapse(*node, *timer),
            Order::Deliver(Choice::All) | Order::Drop(Choice::All) if self.flying.is_empty() => {
                self.note("nothing in flight");
                Ok(())
            }
            Order::Deliver(Choice::All) => self.deliver_all(),
            Order::Deliver(choice) => {
                let chosen = self.take(*choice)?;
                chosen
                    .into_iter()
                    .try_for_each(|flight| self.deliver(flight))
            }
            Order::Drop(choice) => {
                for flight in self.take(*choice)? {
                    self.note(format_args!("dropped {flight}"));
                }
                Ok(())
            }
            Order::Duplicate(choice) => self.duplicate(*choice),
            Order::Crash(node) => {
                self.actor(*node)?.crash()?;
                self.note(format_args!("{node:?} crashed"));
                Ok(())
            }
            Order::Suspect { node, peer } => {
                self.actor(*peer)?;
                self.step(
                    *node,
                    &format!("suspects {peer:?}"),
                    Input::Suspected(*peer),
                )
            }
            Order::Prove { node, dead } => {
                self.actor(*dead)?;
                let header = format!("hears that {dead:?} has died");
                self.step(*node, &header, Input::Died(*dead))
            }
            Order::Hear { node, peer } => {
                self.actor(*peer)?;
                let header = format!("hears {peer:?} again");
                self.step(*node, &header, Input::Returned(*peer))
            }
            Order::Command { node, command } => {
                self.step(*node, &asked(*command), Input::Commanded(*command))
            }
            Order::Views => {
                self.views();
                Ok(())
            }
            Order::Flying => {
                self.list_flying();
                Ok(())
            }
            Order::Quiet(quiet) => {
                self.quiet = *quiet;
                Ok(())
            }
        }
    }

    fn configure(&mut self, json: &str) -> Result<(), String> {
        if !self.actors.is_empty() || self.config.is_some() {
            return Err("`config` may stand once, before `nodes`".into());
        }
        let config =
            serde_json::from_str(json).map_err(|error| format!("in the config: {error}"))?;
        self.config = Some(config);
        Ok(())
    }

    fn people(&mut self, nodes: &[NodeId]) -> Result<(), String> {
        if !self.actors.is_empty() {
            return Err("`nodes` may stand only once: a membership is fixed".into());
        }
        let config = self.config.clone().unwrap_or_default();
        for node in nodes {
            let members =
                Membership::new(*node, nodes.iter().copied()).map_err(|error| error.to_string())?;
            config
                .validate(&members)
                .map_err(|error| format!("in the config: {error}"))?;
            self.actors
                .insert(*node, Actor::new(config.clone(), members));
        }
        Ok(())
    }

    fn start(&mut self, nodes: &[NodeId]) -> Result<(), String> {
        let down = self.actors.iter().filter(|(_, actor)| !actor.runs());
        let down: Vec<NodeId> = down.map(|(node, _)| *node).collect();
        let nodes = if nodes.is_empty() { &down } else { nodes };
        if nodes.is_empty() {
            return Err("every node runs already".into());
        }
        for node in nodes {
            self.actor(*node)?.boot()?;
            self.step(*node, "started", Input::Started)?;
        }
        Ok(())
    }

    fn elapse(&mut self, node: NodeId, name: Option<&str>) -> Result<(), String> {
        let timer = self.actor(node)?.take_timer(name)?;
        self.step(node, &format!("elapsed {timer:?}"), Input::Elapsed(timer))
    }

    fn deliver_all(&mut self) -> Result<(), String> {
        while let Some(flight) = self.flying.pop() {
            self.deliver(flight)?;
        }
        Ok(())
    }

    fn deliver(&mut self, flight: Flight<A::Message>) -> Result<(), String> {
        if !self.actor(flight.to)?.runs() {
            self.note(format_args!("lost {flight} ({:?} is down)", flight.to));
            return Ok(());
        }
        let Flight { from, to, message } = flight;
        let header = format!("<- {from:?} {}", text(&message));
        self.step(to, &header, Input::Received { from, message })
    }

    fn duplicate(&mut self, choice: Choice<'_>) -> Result<(), String> {
        self.known(choice)?;
        for copy in self.flying.copies(choice)? {
            self.note(format_args!("copied {copy}"));
            self.flying.push(copy);
        }
        Ok(())
    }

    fn take(&mut self, choice: Choice<'_>) -> Result<Vec<Flight<A::Message>>, String> {
        self.known(choice)?;
        self.flying.take(choice)
    }

    fn known(&mut self, choice: Choice<'_>) -> Result<(), String> {
        if let Choice::Link { from, to, .. } = choice {
            self.actor(from)?;
            self.actor(to)?;
        }
        Ok(())
    }

    /// One step, and then the zero timers that it set, each as a step of its own.
    fn step(
        &mut self,
        node: NodeId,
        header: &str,
        input: Input<A::Message, A::Timer>,
    ) -> Result<(), String> {
        self.one_step(node, header, input)?;
        while let Some(timer) = self.actor(node)?.take_zero_timer() {
            self.one_step(node, &format!("elapsed {timer:?}"), Input::Elapsed(timer))?;
        }
        Ok(())
    }

    fn one_step(
        &mut self,
        node: NodeId,
        header: &str,
        input: Input<A::Message, A::Timer>,
    ) -> Result<(), String> {
        self.steps_left = self.steps_left.checked_sub(1).ok_or_else(|| {
            format!("no end after {STEPS_PER_COMMAND} steps: the algorithm answers itself forever")
        })?;
        self.clock += 1;
        let now = Moment::from_nanos(self.clock);
        let quiet = self.quiet;
        let transcript = self.actor(node)?.step(input, now)?;
        let Transcript {
            orders,
            shown,
            sent,
        } = transcript;
        self.note(format_args!("{node:?} {header}"));
        for line in orders.iter().filter(|_| !quiet).chain(&shown) {
            self.note(format_args!("  {line}"));
        }
        for Outgoing { to, message } in sent {
            let from = node;
            self.flying.push(Flight { from, to, message });
        }
        Ok(())
    }

    fn views(&mut self) {
        let views: Vec<String> = self
            .actors
            .iter()
            .map(|(node, actor)| match actor.view() {
                Some(view) => format!("{node:?} {}", seen(view)),
                None => format!("{node:?} down"),
            })
            .collect();
        for line in views {
            self.note(line);
        }
    }

    fn list_flying(&mut self) {
        if self.flying.is_empty() {
            self.note("nothing in flight");
        }
        for line in self.flying.list() {
            self.note(line);
        }
    }

    fn actor(&mut self, node: NodeId) -> Result<&mut Actor<A>, String> {
        let nodes: Vec<NodeId> = self.actors.keys().copied().collect();
        let stranger = || format!("there is no node {node}: the nodes are {nodes:?}");
        self.actors.get_mut(&node).ok_or_else(stranger)
    }
}

pub(super) fn seen(view: View) -> String {
    let View {
        epoch,
        leader,
        role,
    } = view;
    let leader = leader.map_or("none".into(), |leader| format!("{leader:?}"));
    format!("epoch {epoch} leader {leader} role {role}")
}

fn asked(command: Command) -> String {
    match command {
        Command::Campaign => "commanded campaign".into(),
        Command::Resign => "commanded resign".into(),
        Command::TransferTo(peer) => format!("commanded transfer to {peer:?}"),
    }
}
