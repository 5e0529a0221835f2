use std::{mem, vec::Vec};

use crate::{
    ElectionAlgorithm, Input, NodeId,
    trace::{Event, EventOf, Record, RecordOf, Stimulus},
};

/// Records what a node did, as [`Record`]s, the events of a trace, in the form that every host
/// writes. Times and message numbers are 0: they belong to the host, and only the node's behaviour
/// is compared.
#[derive(Debug)]
pub(super) struct Recorder<A: ElectionAlgorithm> {
    node: NodeId,
    step: u64,
    records: Vec<RecordOf<A>>,
}

impl<A: ElectionAlgorithm> Recorder<A> {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            step: 0,
            records: Vec::new(),
        }
    }

    pub(super) fn input(&mut self, input: &Input<A::Message, A::Timer>) {
        self.step += 1;
        self.push(Event::Stepped {
            step: self.step,
            input: Stimulus::of(input, 0),
        });
    }

    pub(super) fn take(&mut self) -> Vec<RecordOf<A>> {
        mem::take(&mut self.records)
    }

    pub(super) fn push(&mut self, event: EventOf<A>) {
        self.records.push(Record {
            at_ns: 0,
            node: Some(self.node),
            event,
        });
    }
}
