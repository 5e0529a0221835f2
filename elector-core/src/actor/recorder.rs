use std::{mem, vec::Vec};

use crate::{
    ElectionAlgorithm, Input, NodeId,
    trace::{Event, Record, Stimulus},
};

/// Records what a node did, in the form that every host writes. Times and message numbers are 0:
/// they belong to the host, and only the node's behaviour is compared.
#[derive(Debug)]
pub(super) struct Recorder {
    node: NodeId,
    step: u64,
    records: Vec<Record>,
}

impl Recorder {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            step: 0,
            records: Vec::new(),
        }
    }

    pub(super) fn input<A: ElectionAlgorithm>(&mut self, input: &Input<A::Message, A::Timer>) {
        self.step += 1;
        self.push(Event::Stepped {
            step: self.step,
            input: Stimulus::of::<A>(input, 0),
        });
    }

    pub(super) fn take(&mut self) -> Vec<Record> {
        mem::take(&mut self.records)
    }

    pub(super) fn push(&mut self, event: Event) {
        self.records.push(Record {
            at_ns: 0,
            node: Some(self.node),
            event,
        });
    }
}
