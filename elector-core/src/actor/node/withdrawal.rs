use actix::{AsyncContext, Context};

use super::Node;
use crate::{Command, ElectionAlgorithm, Input, Moment, actor::Backoff};

/// The state of a node that has withdrawn: its work has failed too often, so the node grants no
/// leadership, and steps down when it is elected.
#[derive(Debug, Default)]
pub(in crate::actor) struct Withdrawn {
    /// The pauses before each step-down. Without pauses, if all nodes have withdrawn, each node
    /// would step down in favour of the next node for ever, as fast as it can.
    pauses: Backoff,
    /// When the node last stepped down.
    declined_at: Moment,
    /// `true` during the pause before a step-down.
    is_declining: bool,
}

impl<A: ElectionAlgorithm> Node<A> {
    /// Makes the node take no leadership any more, or lets the node take leadership again.
    pub(super) fn withdraw(&mut self, withdraws: bool, ctx: &mut Context<Self>) {
        if withdraws != self.withdrawn.is_some() {
            self.withdrawn = withdraws.then(Withdrawn::default);
            self.settle(ctx);
        }
    }

    /// Steps down, after a pause, if this node leads although it has withdrawn.
    pub(super) fn decline(&mut self, ctx: &mut Context<Self>) {
        let (leads, now) = (self.process.leads(), self.now);
        let Some(withdrawn) = self.withdrawn.as_mut() else {
            return;
        };
        if !leads || withdrawn.is_declining {
            return;
        }
        withdrawn.is_declining = true;
        let pause = withdrawn
            .pauses
            .next(now.saturating_since(withdrawn.declined_at));
        ctx.run_later(pause, |node, ctx| {
            if node.stop_if_killed(ctx) {
                return;
            }
            node.reading_uses_left = 0;
            let leads = node.process.leads();
            let Some(withdrawn) = node.withdrawn.as_mut() else {
                return;
            };
            withdrawn.is_declining = false;
            withdrawn.declined_at = node.now;
            if leads {
                node.hand_over(ctx);
            }
            // If the node still leads, this call begins the next pause, which is longer.
            node.handle_input(None, ctx);
        });
    }

    /// Transfers the leadership to the first node that the algorithm accepts as the successor. The
    /// nodes are tried in the order of their ids, beginning after this node, and the lowest id
    /// comes after the highest. So all nodes have their turn, even if several of them have
    /// withdrawn. The algorithm's own choice of a successor could be a node that has also withdrawn
    /// and that transfers the leadership back to this node.
    pub(super) fn hand_over(&mut self, ctx: &mut Context<Self>) {
        let mut commands = self.peers_in_turn().into_iter().map(Command::TransferTo);
        let accepted = commands.any(|command| {
            let refusal = self.handle_input(Some(Input::Commanded(command)), ctx);
            refusal.is_none()
        });
        if !accepted {
            self.handle_input(Some(Input::Commanded(Command::Resign)), ctx);
        }
    }
}
