//! The commands that the election algorithm carries out, and how voters that never lead are not
//! chosen as successors.

use elector_core::{
    Command, Configuration as _, Input, Moment, NodeId, Outbox, Refusal, quorum::Reseat,
};

use crate::Members;

impl<A: Reseat> Members<A> {
    pub(super) fn on_command(&mut self, command: Command, out: &mut Outbox<Self>) {
        if self.seat.is_none() {
            return out.refuse(Refusal::Observes);
        }
        match command {
            Command::TransferTo(target) if self.is_witness(target) => {
                out.refuse(Refusal::TargetNeverLeads);
            }
            Command::Resign if self.office.is_some() => self.resign(out),
            command => self.pass_on(Input::Commanded(command), out),
        }
    }

    /// Steps down. The algorithm chooses the successor, unless one of the voters is a witness: the
    /// algorithm does not know which voters never lead, and could choose the witness. In this case,
    /// this method tries the other voters one after the other.
    pub(super) fn resign(&mut self, out: &mut Outbox<Self>) {
        let voters = &self.durable.roster.voters;
        let mut successors = voters.clone();
        successors.retain(|voter| voter.node != self.me() && !voter.is_witness);
        if successors.len() + 1 < voters.len() {
            for successor in successors {
                self.command(Command::TransferTo(successor.node), out);
                if out.refusal().is_none() {
                    return;
                }
                out.clear_refusal();
            }
        }
        self.command(Command::Resign, out);
    }

    fn command(&mut self, command: Command, out: &mut Outbox<Self>) {
        self.act(out, |algorithm, out| {
            algorithm.step(Input::Commanded(command), out);
        });
    }

    /// Informs the leader whether this voter is a witness, which never leads, if the roster has
    /// another value: the setting of this node may have changed at a restart.
    pub(super) fn report_witness(&mut self, out: &mut Outbox<Self>) {
        let never_leads = self.config().never_leads();
        if self.seat.is_none() || self.is_witness(self.me()) == never_leads {
            return;
        }
        let view = self.current_view();
        let leader = view.leader.filter(|&leader| leader != self.me());
        if let Some(leader) = leader
            && view.epoch > self.reported
        {
            self.reported = view.epoch;
            self.send_holds(leader, Moment::ZERO, out);
        }
    }

    fn is_witness(&self, node: NodeId) -> bool {
        let voter = self.durable.roster.voter(node);
        voter.is_some_and(|voter| voter.is_witness)
    }
}
