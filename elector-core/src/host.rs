//! Carries out steps, in one place for all hosts: simulator, random walks of the model checker,
//! fuzzer, golden scenarios and actors.
//!
//! A host passes an input to its [`Process`] with [`Process::step`], and passes the step to
//! [`carry_out`]. That function calls the [`Host`] back in the only order that is safe: *persist,
//! timers, sends, committed entries, view*. It holds the visible effects of a step, which are all
//! but the first two, back until each write that they depend on is durable.

use alloc::{boxed::Box, string::ToString};

use crate::{
    ElectionAlgorithm, Outgoing, Process, Refusal, Step, TimerChange, View,
    log::LogIndex,
    trace::{Event, EventOf},
};

/// Whether a write has ended: the result of [`Host::persist`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persist {
    /// The state is durable.
    Done,
    /// The write is in progress. The host calls [`persisted`] when the write has ended.
    Pending,
}

/// What a host does for one node. [`carry_out`] and [`persisted`] call these methods in the right
/// order.
pub trait Host<A: ElectionAlgorithm> {
    /// Returns the process of the node; `None` once the process has ended. [`carry_out`] and
    /// [`persisted`] make nothing visible of a process that has ended.
    fn process(&mut self) -> Option<&mut Process<A>>;

    /// Called by [`carry_out`] before it carries out a step.
    fn begin(&mut self, _step: &mut Step<A>) {}

    /// Starts to write `durable`, which is the durable state of the algorithm after the [`Step`]
    /// with the number `step`. Writes must end in the order in which they started.
    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist;

    /// Carries out these changes of timers, in their order. There is at least one change. For each
    /// timer that a change sets, the host draws a random duration within the bounds of the change.
    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]);

    /// Called when others may see the effects of a step. The calls for its messages, its view and
    /// its refusal follow directly.
    fn reveal(&mut self, _step: &Step<A>) {}

    /// Sends a message that the algorithm produced in the [`Step`] with the number `step`.
    fn send(&mut self, step: u64, out: Outgoing<A::Message>);

    /// Reports that the entries of the log up to `index` are committed on this node. The default
    /// does nothing, because most algorithms have no log.
    fn committed(&mut self, _index: LogIndex) {}

    /// Publishes the view of the algorithm, so that others, for example the application, can see
    /// it. The [`Step`] with the number `step` has changed the view.
    fn publish(&mut self, step: u64, view: View);

    /// Reports to the application why the algorithm refused the command that it got as the input of
    /// the [`Step`] with the number `step`.
    fn refuse(&mut self, _step: u64, _reason: Refusal) {}

    /// Returns `true` if the host keeps a [trace](crate::trace), the list of everything that
    /// happened.
    fn traces(&self) -> bool {
        false
    }

    /// Adds an event to the [trace](crate::trace): a request of a step, a view or a refusal. A host
    /// with a trace adds inputs and messages to the trace itself, because only the host knows the
    /// numbers of messages.
    fn record(&mut self, _event: EventOf<A>) {}
}

/// Carries out a step: starts its write, changes its timers, and makes its other effects visible,
/// now or when all writes that they depend on are durable.
pub fn carry_out<A: ElectionAlgorithm>(host: &mut impl Host<A>, mut step: Box<Step<A>>) {
    host.begin(&mut step);
    if host.traces() {
        for event in Event::requested_by(&step) {
            host.record(event);
        }
    }
    if let Some(durable) = step.persist.take()
        && host.persist(step.number, durable) == Persist::Done
        && let Some(process) = host.process()
    {
        process.gate.persisted(step.number);
    }
    if !step.timers.is_empty() {
        host.change_timers(&step.timers);
        step.timers.clear();
    }
    let process = host.process();
    if let Some(step) = process.and_then(|process| process.gate.pass(step)) {
        show(host, step);
    }
}

/// Handles the end of a write: the durable state after the [`Step`] with the number `number` is on
/// the disk, and so is the state after each step before. Makes the steps visible that waited for
/// this write.
pub fn persisted<A: ElectionAlgorithm>(host: &mut impl Host<A>, number: u64) {
    if let Some(process) = host.process() {
        process.gate.persisted(number);
    }
    while let Some(step) = host.process().and_then(|process| process.gate.pop()) {
        show(host, step);
    }
}

fn show<A: ElectionAlgorithm>(host: &mut impl Host<A>, mut step: Box<Step<A>>) {
    host.reveal(&step);
    let number = step.number;
    for out in step.sends.drain(..) {
        host.send(number, out);
    }
    if let Some(index) = step.committed {
        host.committed(index);
    }
    if let Some(view) = step.view {
        if let Some(process) = host.process() {
            process.published = view;
        }
        host.publish(number, view);
        if host.traces() {
            host.record(Event::Viewed { step: number, view });
        }
    }
    if let Some(reason) = step.refusal {
        host.refuse(number, reason);
        if host.traces() {
            host.record(Event::Refused {
                step: number,
                reason: reason.to_string(),
            });
        }
    }
    if let Some(process) = host.process() {
        process.driver.recycle(step);
    }
}
