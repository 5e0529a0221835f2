use elector_core::{ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Quorum, View};
use elector_paxos::{Paxos, PaxosConfig, PaxosDurable, PaxosMessage, PaxosTimer};

/// Paxos. If `BROKEN`, an acceptor reports that it accepted itself instead of the proposed value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PaxosMutant<const BROKEN: bool> {
    paxos: Paxos,
    me: NodeId,
}

impl<const BROKEN: bool> ElectionAlgorithm for PaxosMutant<BROKEN> {
    const NAME: &'static str = "paxos-mutant";
    type Guarantee = Quorum;
    type Config = PaxosConfig;
    type Message = PaxosMessage;
    type Timer = PaxosTimer;
    type Durable = PaxosDurable;

    fn restore(config: &PaxosConfig, members: Membership, durable: PaxosDurable) -> Self {
        Self {
            me: members.me(),
            paxos: Paxos::restore(config, members, durable),
        }
    }

    fn durable(&self) -> &PaxosDurable {
        self.paxos.durable()
    }

    fn view(&self) -> View {
        self.paxos.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.paxos.lease()
    }

    fn step(&mut self, input: Input<PaxosMessage, PaxosTimer>, out: &mut Outbox<Self>) {
        let me = self.me;
        let change = |message| match message {
            PaxosMessage::Accepted {
                epoch,
                mut proposal,
            } if BROKEN => {
                proposal.value = me;
                PaxosMessage::Accepted { epoch, proposal }
            }
            other => other,
        };
        out.scoped(change, |timer| timer, |out| self.paxos.step(input, out));
    }
}
