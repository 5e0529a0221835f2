use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Display, Write as _},
};

use elector_core::{
    Command, Configuration as _, ElectionAlgorithm, Input, Membership, NodeId, View,
};

use super::{
    command::{Instruction, Selection},
    flight::{Flight, Flights, text},
    node::ScriptNode,
};

/// The maximum number of steps that one command of a script may take. No sensible scenario needs so
/// many steps. If an algorithm steps itself without end, the command soon ends with an error.
pub(super) const STEPS_PER_COMMAND: usize = 10_000;

/// The host of a script: the nodes, the messages in flight, and the output so far.
pub(super) struct ScriptHost<A: ElectionAlgorithm> {
    config: Option<A::Config>,
    nodes: BTreeMap<NodeId, ScriptNode<A>>,
    pub(super) flying: Flights<A::Message>,
    /// The directed links that are cut: `(from, to)`.
    pub(super) cuts: BTreeSet<(NodeId, NodeId)>,
    pub(super) quiet: bool,
    pub(super) clock: u64,
    pub(super) steps_left: usize,
    text: String,
}

impl<A: ElectionAlgorithm> ScriptHost<A> {
    pub(super) fn new() -> Self {
        Self {
            config: None,
            nodes: BTreeMap::new(),
            flying: Flights::new(),
            cuts: BTreeSet::new(),
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

    /// Carries out one command. Returns an error with the reason if the command cannot be carried
    /// out.
    pub(super) fn execute(&mut self, instruction: &Instruction<'_>) -> Result<(), String> {
        self.steps_left = STEPS_PER_COMMAND;
        if self.nodes.is_empty()
            && !matches!(
                instruction,
                Instruction::Config(_) | Instruction::Nodes(_) | Instruction::Quiet(_)
            )
        {
            return Err("there are no nodes yet: `nodes 1 2 3` must come first".into());
        }
        match instruction {
            Instruction::Config(json) => self.configure(json),
            Instruction::Nodes(nodes) => self.create_nodes(nodes),
            Instruction::Start(nodes) => self.start(nodes),
            Instruction::Elapse { node, timer } => self.elapse(*node, *timer),
            Instruction::Deliver(Selection::All) | Instruction::Drop(Selection::All)
                if self.flying.is_empty() =>
            {
                self.note("nothing in flight");
                Ok(())
            }
            Instruction::Deliver(Selection::All) => self.deliver_all(),
            Instruction::Deliver(selection) => {
                let chosen = self.take(*selection)?;
                chosen
                    .into_iter()
                    .try_for_each(|flight| self.deliver(flight))
            }
            Instruction::Drop(selection) => self.lose(*selection),
            Instruction::Duplicate(selection) => self.duplicate(*selection),
            Instruction::Crash(node) => self.crash(*node),
            Instruction::Suspect { node, peer } => {
                let header = format!("suspects {peer:?}");
                self.report(*node, *peer, &header, Input::Suspected)
            }
            Instruction::Prove { node, dead } => {
                // words: allow, a line of golden files.
                let header = format!("hears that {dead:?} has died");
                self.report(*node, *dead, &header, Input::Died)
            }
            Instruction::Return { node, peer } => {
                // words: allow, a line of golden files.
                let header = format!("hears {peer:?} again");
                self.report(*node, *peer, &header, Input::Returned)
            }
            Instruction::Command { node, command } => self.step(
                *node,
                &command_text(command),
                Input::Commanded(command.clone()),
            ),
            Instruction::Hold(what, node) => self.node(*node)?.hold(*what),
            Instruction::Release(what, node) => self.release(*what, *node),
            Instruction::ReleaseOneWrite(node) => self.release_one_write(*node),
            Instruction::Cut(direction, from, to) => self.cut(*direction, *from, *to),
            Instruction::Heal(direction, from, to) => self.heal(*direction, *from, *to),
            Instruction::HealAll => self.heal_all(),
            Instruction::Views => {
                self.views();
                Ok(())
            }
            Instruction::Flying => {
                self.list_flying();
                Ok(())
            }
            Instruction::Quiet(quiet) => {
                self.quiet = *quiet;
                Ok(())
            }
        }
    }

    fn configure(&mut self, json: &str) -> Result<(), String> {
        if !self.nodes.is_empty() || self.config.is_some() {
            return Err("`config` is allowed only once, before `nodes`".into());
        }
        let config =
            serde_json::from_str(json).map_err(|error| format!("invalid config: {error}"))?;
        self.config = Some(config);
        Ok(())
    }

    fn create_nodes(&mut self, nodes: &[NodeId]) -> Result<(), String> {
        if !self.nodes.is_empty() {
            return Err("`nodes` is allowed only once: the members are fixed".into());
        }
        let config = self.config.clone().unwrap_or_default();
        for node in nodes {
            let members =
                Membership::new(*node, nodes.iter().copied()).map_err(|error| error.to_string())?;
            config
                .validate(&members)
                .map_err(|error| format!("invalid config: {error}"))?;
            self.nodes
                .insert(*node, ScriptNode::new(config.clone(), members));
        }
        Ok(())
    }

    fn start(&mut self, nodes: &[NodeId]) -> Result<(), String> {
        let down = self.nodes.iter().filter(|(_, node)| !node.runs());
        let down: Vec<NodeId> = down.map(|(node, _)| *node).collect();
        let nodes = if nodes.is_empty() { &down } else { nodes };
        if nodes.is_empty() {
            return Err("all nodes are already running".into());
        }
        for node in nodes {
            self.node(*node)?.boot()?;
            self.step(*node, "started", Input::Started)?;
        }
        Ok(())
    }

    fn elapse(&mut self, node: NodeId, name: Option<&str>) -> Result<(), String> {
        let timer = self.node(node)?.take_timer(name)?;
        self.step(node, &format!("elapsed {timer:?}"), Input::Elapsed(timer))
    }

    fn crash(&mut self, node: NodeId) -> Result<(), String> {
        let lost = self.node(node)?.crash()?;
        self.note(format_args!("{node:?} crashed"));
        for durable in lost {
            self.note(format_args!("  lost write {durable:?}"));
        }
        Ok(())
    }

    /// Gives a node a report about a peer: a suspicion, a proof of death, or that messages of the
    /// peer arrive again. `input` makes the input of the algorithm from the id of the peer.
    fn report(
        &mut self,
        node: NodeId,
        peer: NodeId,
        header: &str,
        input: fn(NodeId) -> Input<A::Message, A::Timer>,
    ) -> Result<(), String> {
        self.node(peer)?;
        self.step(node, header, input(peer))
    }

    fn deliver_all(&mut self) -> Result<(), String> {
        while let Some(flight) = self.flying.pop() {
            self.deliver(flight)?;
        }
        Ok(())
    }

    fn deliver(&mut self, flight: Flight<A::Message>) -> Result<(), String> {
        if !self.node(flight.to)?.runs() {
            self.note(format_args!("lost {flight} ({:?} is down)", flight.to));
            return Ok(());
        }
        let Flight { from, to, message } = flight;
        let header = format!("<- {from:?} {}", text(&message));
        self.step(to, &header, Input::Received { from, message })
    }

    fn lose(&mut self, selection: Selection<'_>) -> Result<(), String> {
        for flight in self.take(selection)? {
            self.note(format_args!("dropped {flight}"));
        }
        Ok(())
    }

    fn duplicate(&mut self, selection: Selection<'_>) -> Result<(), String> {
        self.known(selection)?;
        for copy in self.flying.copies(selection)? {
            self.note(format_args!("copied {copy}"));
            self.flying.push(copy);
        }
        Ok(())
    }

    fn take(&mut self, selection: Selection<'_>) -> Result<Vec<Flight<A::Message>>, String> {
        self.known(selection)?;
        self.flying.take(selection)
    }

    fn known(&mut self, selection: Selection<'_>) -> Result<(), String> {
        if let Selection::Link { from, to, .. } = selection {
            self.node(from)?;
            self.node(to)?;
        }
        Ok(())
    }

    fn views(&mut self) {
        let views: Vec<String> = self
            .nodes
            .iter()
            .map(|(id, node)| match node.view() {
                Some(view) => format!("{id:?} {}", view_text(view)),
                None => format!("{id:?} down"),
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

    pub(super) fn node(&mut self, node: NodeId) -> Result<&mut ScriptNode<A>, String> {
        let nodes: Vec<NodeId> = self.nodes.keys().copied().collect();
        let unknown = || format!("there is no node {node}: the nodes are {nodes:?}");
        self.nodes.get_mut(&node).ok_or_else(unknown)
    }
}

pub(super) fn view_text(view: View) -> String {
    let View {
        epoch,
        leader,
        role,
    } = view;
    let leader = leader.map_or("none".into(), |leader| format!("{leader:?}"));
    format!("epoch {epoch} leader {leader} role {role}")
}

fn command_text(command: &Command) -> String {
    match command {
        Command::Campaign => "commanded campaign".into(),
        Command::Resign => "commanded resign".into(),
        Command::TransferTo(peer) => format!("commanded transfer to {peer:?}"),
        Command::ChangeMembers(change) => format!("commanded members {change}"),
        Command::Propose(request) => format!("commanded propose {request}"),
    }
}
