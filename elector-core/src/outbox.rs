use alloc::vec::Vec;
use core::mem;

use serde::{Deserialize, Serialize};

use crate::{Delay, ElectionAlgorithm, Membership, Moment, NodeId, Refusal};

/// A message and its receiver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Outgoing<M> {
    /// The node that receives the message.
    pub to: NodeId,
    /// The message.
    pub message: M,
}

/// A change of a timer, which a step requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimerChange<T> {
    /// Start this timer now, with a random duration within these bounds. If the timer was running,
    /// it starts again.
    Set(T, Delay),
    /// Stop this timer, so that it does not elapse.
    Cancel(T),
}

impl<T: Copy> TimerChange<T> {
    /// Returns the timer that is set or cancelled.
    #[must_use]
    pub const fn timer(self) -> T {
        let (Self::Set(timer, _) | Self::Cancel(timer)) = self;
        timer
    }
}

/// Collects the effects that an algorithm requests in one step.
#[derive(Clone, Debug)]
pub struct Outbox<A: ElectionAlgorithm> {
    members: Membership,
    now: Moment,
    pub(crate) sends: Vec<Outgoing<A::Message>>,
    pub(crate) timers: Vec<TimerChange<A::Timer>>,
    pub(crate) refusal: Option<Refusal>,
}

impl<A: ElectionAlgorithm> Outbox<A> {
    /// Creates an empty outbox of the local node of `members`, for a step at `now`.
    #[must_use]
    pub fn new(members: Membership, now: Moment) -> Self {
        Self {
            members,
            now,
            sends: Vec::new(),
            timers: Vec::new(),
            refusal: None,
        }
    }

    /// Returns the timestamp of this step, which is the host's clock reading. It does not change
    /// during the step.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Sends `message` to the peer `to`. Delivery and order are not guaranteed.
    pub fn send(&mut self, to: NodeId, message: A::Message) {
        self.sends.push(Outgoing { to, message });
    }

    /// Sends `message` to every peer, in ascending order of id.
    pub fn broadcast(&mut self, message: &A::Message) {
        let to_each = self.members.peers().map(|to| Outgoing {
            to,
            message: message.clone(),
        });
        self.sends.extend(to_each);
    }

    /// Sets a timer, and replaces a running timer of the same name.
    pub fn set_timer(&mut self, timer: A::Timer, delay: Delay) {
        self.timers.push(TimerChange::Set(timer, delay));
    }

    /// Stops a timer if it is running.
    pub fn cancel_timer(&mut self, timer: A::Timer) {
        self.timers.push(TimerChange::Cancel(timer));
    }

    /// Refuses the command of this step, and reports why, and what to do instead. If [`Refusal`]
    /// has no variant for the reason, `refusal` is a text.
    pub fn refuse(&mut self, refusal: impl Into<Refusal>) {
        self.refusal = Some(refusal.into());
    }

    /// Runs a step of an algorithm `B` that the algorithm `A` wraps, and adds the requests of `B`
    /// to those of `A`. The closures turn the messages and timers of `B` into messages and timers
    /// of `A`.
    pub fn scoped<B: ElectionAlgorithm>(
        &mut self,
        message: impl Fn(B::Message) -> A::Message,
        timer: impl Fn(B::Timer) -> A::Timer,
        step: impl FnOnce(&mut Outbox<B>),
    ) {
        self.scoped_to(self.members.clone(), message, timer, step);
    }

    /// Does the same as [`scoped`](Self::scoped) for an algorithm `B` whose members are `members`
    /// instead of the members of `A`: a broadcast of `B` goes to these members.
    pub fn scoped_to<B: ElectionAlgorithm>(
        &mut self,
        members: Membership,
        message: impl Fn(B::Message) -> A::Message,
        timer: impl Fn(B::Timer) -> A::Timer,
        step: impl FnOnce(&mut Outbox<B>),
    ) {
        let mut inner = Outbox::<B>::new(members, self.now);
        step(&mut inner);
        let sends = inner.sends.into_iter();
        self.sends.extend(sends.map(|out| Outgoing {
            to: out.to,
            message: message(out.message),
        }));
        self.timers
            .extend(inner.timers.into_iter().map(|change| match change {
                TimerChange::Set(inner, delay) => TimerChange::Set(timer(inner), delay),
                TimerChange::Cancel(inner) => TimerChange::Cancel(timer(inner)),
            }));
        self.refusal = inner.refusal.or(self.refusal);
    }

    /// Returns the messages of this step so far, in order. This method is for hosts that work
    /// without a [`Driver`](crate::Driver), and for tests.
    #[must_use]
    pub fn sends(&self) -> &[Outgoing<A::Message>] {
        &self.sends
    }

    /// Returns the timer changes of this step so far, in order.
    #[must_use]
    pub fn timers(&self) -> &[TimerChange<A::Timer>] {
        &self.timers
    }

    /// Returns why the algorithm refused the command of this step; `None` if it did not refuse it.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Withdraws the refusal of this step, for an algorithm that tries another command instead of
    /// the refused one.
    pub fn clear_refusal(&mut self) {
        self.refusal = None;
    }

    pub(crate) fn begin(&mut self, now: Moment) {
        self.now = now;
        self.sends.clear();
        self.timers.clear();
    }

    /// Exchanges buffers with a step that is about to be returned: the step gets the buffers that
    /// this outbox has filled, and this outbox gets the old buffers of the step, which the next
    /// step fills again.
    pub(crate) fn swap(
        &mut self,
        sends: &mut Vec<Outgoing<A::Message>>,
        timers: &mut Vec<TimerChange<A::Timer>>,
    ) {
        mem::swap(&mut self.sends, sends);
        mem::swap(&mut self.timers, timers);
    }
}
