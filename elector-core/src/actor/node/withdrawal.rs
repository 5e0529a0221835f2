use std::time::Duration;

use actix::{AsyncContext, Context};

use super::Node;
use crate::{Command, ElectionAlgorithm, Input, actor::Backoff};

/// The work of this node has failed too often: the node grants no leadership.
#[derive(Debug, Default)]
pub(in crate::actor) struct Withdrawn {
    /// If all nodes have withdrawn, each would pass leadership on to the next for ever.
    pauses: Backoff,
    /// When the node stepped down last, in nanoseconds.
    declined: u64,
    /// It will step down soon.
    is_declining: bool,
}

impl<A: ElectionAlgorithm> Node<A> {
    /// Takes no leadership from now on, or takes one again.
    pub(super) fn withdraw(&mut self, withdraws: bool, ctx: &mut Context<Self>) {
        if withdraws != self.withdrawn.is_some() {
            self.withdrawn = withdraws.then(Withdrawn::default);
            self.settle(ctx);
        }
    }

    /// Steps down if this node leads though it has withdrawn.
    pub(super) fn decline(&mut self, ctx: &mut Context<Self>) {
        let (leads, now) = (self.process.leads(), self.now);
        let Some(withdrawn) = self.withdrawn.as_mut() else {
            return;
        };
        if !leads || withdrawn.is_declining {
            return;
        }
        withdrawn.is_declining = true;
        let passed = Duration::from_nanos(now.saturating_sub(withdrawn.declined));
        let pause = withdrawn.pauses.next(passed);
        ctx.run_later(pause, |node, ctx| {
            if node.stopping(ctx) {
                return;
            }
            node.reading_serves = 0;
            let leads = node.process.leads();
            let Some(withdrawn) = node.withdrawn.as_mut() else {
                return;
            };
            withdrawn.is_declining = false;
            withdrawn.declined = node.now;
            if leads {
                node.pass_on(ctx);
            }
            // If it still leads, the next pause is longer.
            node.take(None, ctx);
        });
    }

    /// Hands over to the next node, in the order of ids and around, that the algorithm accepts. So
    /// all nodes have their turn, also if several cannot lead; the one that is best for the
    /// algorithm may be one that hands over to this one.
    pub(super) fn pass_on(&mut self, ctx: &mut Context<Self>) {
        let members = self.process.driver().members();
        let heirs = [members.above(), members.below()].concat();
        let mut commands = heirs.into_iter().map(Command::TransferTo);
        let accepted = commands.any(|command| {
            let refusal = self.take(Some(Input::Commanded(command)), ctx);
            refusal.is_none()
        });
        if !accepted {
            self.take(Some(Input::Commanded(Command::Resign)), ctx);
        }
    }
}
