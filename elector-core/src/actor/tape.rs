use std::{mem, vec::Vec};

use crate::{
    ElectionAlgorithm, Input, NodeId,
    trace::{Event, Record, Stimulus},
};

/// What a node did, as the records that every host writes. Times and message numbers are 0: they
/// are the host's, and what is compared is the node's.
#[derive(Debug)]
pub(super) struct Tape {
    node: NodeId,
    step: u64,
    records: Vec<Record>,
}

impl Tape {
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
