use std::{mem, string::ToString, vec::Vec};

use crate::{
    ElectionAlgorithm, Input, NodeId, Step,
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

    pub(super) fn ordered<A: ElectionAlgorithm>(&mut self, step: &Step<A>) {
        for event in Event::ordered(step) {
            self.push(event);
        }
    }

    pub(super) fn shown<A: ElectionAlgorithm>(&mut self, step: &Step<A>) {
        for out in &step.sends {
            self.push(Event::sent(step.number, 0, out));
        }
        if let Some(view) = step.view {
            self.push(Event::Viewed {
                step: step.number,
                view,
            });
        }
        if let Some(reason) = step.refusal {
            self.push(Event::Refused {
                step: step.number,
                reason: reason.to_string(),
            });
        }
    }

    pub(super) fn take(&mut self) -> Vec<Record> {
        mem::take(&mut self.records)
    }

    fn push(&mut self, event: Event) {
        self.records.push(Record {
            at_ns: 0,
            node: Some(self.node),
            event,
        });
    }
}
