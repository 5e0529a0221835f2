use elector_core::{Command, ElectionAlgorithm, Epoch, Input};
use stateright::{Model, Property};

use crate::{
    action::{Action, id},
    claim::Claim,
    cluster::Cluster,
    hashed::Hashed,
    history::History,
    network::Network,
    state::{Budgets, Life, Node, State},
};

impl<A: ElectionAlgorithm> Model for Cluster<A> {
    type State = State<A>;
    type Action = Action<A::Timer>;

    /// All nodes have started, one after the other. That loses no run: one that starts late is one
    /// to which nothing was delivered yet.
    fn init_states(&self) -> Vec<State<A>> {
        let off = Node {
            life: Life::Down {
                durable: A::Durable::default(),
            },
            shown: Epoch::ZERO,
        };
        let mut state = State {
            nodes: vec![Hashed::new(off); self.members.len()],
            network: Network::new(),
            history: Hashed::new(History::default()),
            left: Budgets {
                crashes: self.config.crashes,
                suspicions: self.config.suspicions,
                commands: self.config.commands,
                timeouts: self.config.timeouts,
            },
            breach: None,
        };
        for node in 0..self.members.len() {
            if let Some(next) = self.restart(&state, node) {
                state = next;
            }
        }
        vec![state]
    }

    fn actions(&self, state: &State<A>, actions: &mut Vec<Action<A::Timer>>) {
        if state.breach.is_some() {
            return; // One thing that went wrong is enough to tell.
        }
        let envelopes = 0..state.network.envelopes().len();
        actions.extend(envelopes.map(|envelope| Action::Deliver { envelope }));
        for (node, kept) in state.nodes.iter().enumerate() {
            match &kept.life {
                Life::Up { timers, .. } => {
                    let elapse = |&(timer, _): &_| Action::Elapse { node, timer };
                    actions.extend(timers.iter().map(elapse));
                    self.disturb(state, node, actions);
                }
                Life::Down { .. } => actions.push(Action::Restart { node }),
            }
        }
    }

    fn next_state(&self, last: &State<A>, action: Action<A::Timer>) -> Option<State<A>> {
        match action {
            Action::Deliver { envelope } => self.deliver(last, envelope),
            Action::Elapse { node, timer } => self.elapse(last, node, timer),
            Action::Crash { node } => self.crash(last, node),
            Action::Restart { node } => self.restart(last, node),
            Action::Suspect { node, peer } => {
                let mut next = self.give(last, node, Input::Suspected(peer))?;
                next.left.suspicions = last.left.suspicions.checked_sub(1)?;
                Some(next)
            }
            Action::Command { node, command } => {
                let mut next = self.give(last, node, Input::Commanded(command))?;
                next.left.commands = last.left.commands.checked_sub(1)?;
                Some(next)
            }
        }
    }

    fn properties(&self) -> Vec<Property<Self>> {
        Claim::of::<A>().map(Claim::property).collect()
    }

    fn within_boundary(&self, state: &State<A>) -> bool {
        let bound = Epoch(self.config.max_epoch);
        state.nodes.iter().all(|node| node.shown <= bound)
    }
}

impl<A: ElectionAlgorithm> Cluster<A> {
    /// What may come to a running node from outside the cluster.
    fn disturb(&self, state: &State<A>, node: usize, actions: &mut Vec<Action<A::Timer>>) {
        let left = state.left;
        if left.crashes > 0 {
            actions.push(Action::Crash { node });
        }
        let others = (0..self.members.len()).filter(|&other| other != node);
        if left.suspicions > 0 {
            let suspect = |other| Action::Suspect {
                node,
                peer: id(other),
            };
            actions.extend(others.clone().map(suspect));
        }
        if left.commands > 0 {
            let fixed = [Command::Campaign, Command::Resign];
            let transfers = others.map(|other| Command::TransferTo(id(other)));
            let commands = fixed.into_iter().chain(transfers);
            actions.extend(commands.map(|command| Action::Command { node, command }));
        }
    }
}
