use alloc::{boxed::Box, collections::VecDeque};

use crate::{ElectionAlgorithm, Step};

/// Holds back what a step would show the world until everything it rests on is durable.
///
/// The host starts the write of [`Step::persist`], then passes the step through the gate. Steps
/// come out in order; one that comes out may have its sends delivered and its view published. The
/// algorithm goes on stepping meanwhile, so a slow disk delays answers and nothing else.
#[derive(Clone, Debug)]
pub struct Gate<A: ElectionAlgorithm> {
    durable: u64,
    waiting: VecDeque<Box<Step<A>>>,
}

impl<A: ElectionAlgorithm> Default for Gate<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: ElectionAlgorithm> Gate<A> {
    /// A gate for a node that has just been restored: all it knows is durable.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            durable: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Gives the step back if it may be seen at once; else keeps it for [`pop`](Self::pop).
    /// Steps that show nothing do not wait.
    pub fn pass(&mut self, step: Box<Step<A>>) -> Option<Box<Step<A>>> {
        if self.waiting.is_empty() && step.needs <= self.durable {
            return Some(step);
        }
        if !step.sends.is_empty() || step.view.is_some() || step.refusal.is_some() {
            self.waiting.push_back(step);
        }
        None
    }

    /// The write that step `number` asked for is durable, and so are all before it.
    pub fn persisted(&mut self, number: u64) {
        self.durable = self.durable.max(number);
    }

    /// The next step that may now be seen, if there is one. Call until it gives none.
    pub fn pop(&mut self) -> Option<Box<Step<A>>> {
        let ready = self
            .waiting
            .front()
            .is_some_and(|step| step.needs <= self.durable);
        if ready {
            self.waiting.pop_front()
        } else {
            None
        }
    }

    /// How many steps wait for the disk.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
