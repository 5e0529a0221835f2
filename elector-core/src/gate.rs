use alloc::{boxed::Box, collections::VecDeque};

use crate::{ElectionAlgorithm, Step};

/// Holds back the visible effects of a step until the write of the step and all earlier writes are
/// durable.
///
/// The host starts the write of [`Step::persist`], then passes the step through the gate. The gate
/// returns the steps in the order in which it received them. When the gate returns a step, the host
/// may send the messages of the step, publish its view, and use its committed index. While steps
/// wait in the gate, the algorithm handles further inputs. So a slow disk delays only the visible
/// effects.
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
    /// Creates a gate for a node that has just been restored: all of its state is durable.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            durable: 0,
            waiting: VecDeque::new(),
        }
    }

    /// Returns the step if its effects may be visible immediately. Otherwise the gate keeps the
    /// step for [`pop`](Self::pop), or drops the step if it has no visible effects.
    pub fn pass(&mut self, step: Box<Step<A>>) -> Option<Box<Step<A>>> {
        if self.waiting.is_empty() && step.needs <= self.durable {
            return Some(step);
        }
        let is_visible = step.view.is_some() || step.committed.is_some() || step.refusal.is_some();
        if is_visible || !step.sends.is_empty() {
            self.waiting.push_back(step);
        }
        None
    }

    /// Records that the write of the [`Step`] with the number `number` is durable, and with it all
    /// earlier writes.
    pub fn persisted(&mut self, number: u64) {
        self.durable = self.durable.max(number);
    }

    /// Returns the next waiting step whose effects may now be visible, if there is one. Call this
    /// method until it returns `None`.
    pub fn pop(&mut self) -> Option<Box<Step<A>>> {
        let step = self.waiting.front();
        step.filter(|step| step.needs <= self.durable)?;
        self.waiting.pop_front()
    }

    /// Returns how many steps wait until a write is durable.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
