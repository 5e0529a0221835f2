use std::{fmt::Debug, mem};

use elector_core::{
    Delay, ElectionAlgorithm, Input, Membership, Moment, Outgoing, Process, Refusal, TimerChange,
    View,
    host::{Host, Persist, carry_out},
};

use super::{flight::text, stage::seen};

/// One node of a script, with its disk and its pending timers.
pub(super) struct Actor<A: ElectionAlgorithm> {
    config: A::Config,
    members: Membership,
    disk: A::Durable,
    life: Option<Life<A>>,
    /// What the present step has ordered and shown so far.
    transcript: Transcript<A>,
}

/// What a crash takes away.
struct Life<A: ElectionAlgorithm> {
    process: Process<A>,
    /// In the order in which they were set.
    timers: Vec<(A::Timer, Delay)>,
}

/// A step in words, and the messages that it sent.
pub(super) struct Transcript<A: ElectionAlgorithm> {
    /// What it ordered of disk and timers.
    pub(super) orders: Vec<String>,
    pub(super) shown: Vec<String>,
    pub(super) sent: Vec<Outgoing<A::Message>>,
}

impl<A: ElectionAlgorithm> Default for Transcript<A> {
    fn default() -> Self {
        Self {
            orders: Vec::new(),
            shown: Vec::new(),
            sent: Vec::new(),
        }
    }
}

/// Each write is durable at once, so each step is shown at once.
impl<A: ElectionAlgorithm> Host<A> for Actor<A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        self.life.as_mut().map(|life| &mut life.process)
    }

    fn persist(&mut self, _step: u64, durable: A::Durable) -> Persist {
        self.transcript.orders.push(format!("persist {durable:?}"));
        self.disk = durable;
        Persist::Done
    }

    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]) {
        self.transcript.orders.extend(changes.iter().map(ordered));
        for &change in changes {
            if let Some(life) = &mut self.life {
                life.apply(change);
            }
        }
    }

    fn send(&mut self, _step: u64, out: Outgoing<A::Message>) {
        let line = format!("-> {:?} {}", out.to, text(&out.message));
        self.transcript.shown.push(line);
        self.transcript.sent.push(out);
    }

    fn publish(&mut self, _step: u64, view: View) {
        self.transcript.shown.push(format!("view {}", seen(view)));
    }

    fn refuse(&mut self, _step: u64, reason: Refusal) {
        self.transcript.shown.push(format!("refused: {reason}"));
    }
}

impl<A: ElectionAlgorithm> Actor<A> {
    /// A node that has never run.
    pub(super) fn new(config: A::Config, members: Membership) -> Self {
        Self {
            config,
            members,
            disk: A::Durable::default(),
            life: None,
            transcript: Transcript::default(),
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.life.is_some()
    }

    /// `None` while it is down.
    pub(super) fn view(&self) -> Option<View> {
        self.life.as_ref().map(|life| life.process.published())
    }

    pub(super) fn boot(&mut self) -> Result<(), String> {
        if self.runs() {
            return Err(format!("{:?} runs already", self.members.me()));
        }
        let (members, durable) = (self.members.clone(), self.disk.clone());
        self.life = Some(Life {
            process: Process::restore(&self.config, members, durable),
            timers: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn crash(&mut self) -> Result<(), String> {
        self.life()?;
        self.life = None;
        Ok(())
    }

    /// Steps the algorithm and carries out the step.
    pub(super) fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Transcript<A>, String> {
        let me = self.members.me();
        let step = self.life()?.process.step(input, now);
        let step = step.map_err(|broken| format!("{me:?} broke its contract: {broken}"))?;
        carry_out(self, step);
        Ok(mem::take(&mut self.transcript))
    }

    /// Takes the pending timer of this name, or the only one.
    pub(super) fn take_timer(&mut self, name: Option<&str>) -> Result<A::Timer, String> {
        let me = self.members.me();
        let timers = &mut self.life()?.timers;
        let texts: Vec<String> = timers
            .iter()
            .map(|(timer, _)| format!("{timer:?}"))
            .collect();
        let exact = texts.iter().position(|text| Some(text.as_str()) == name);
        let alike = |text: &String| name.is_none_or(|name| text.starts_with(name));
        let mut candidates = (0..texts.len()).filter(|&place| alike(&texts[place]));
        let place = match (exact, candidates.next(), candidates.next()) {
            (Some(place), ..) | (None, Some(place), None) => place,
            (None, Some(_), Some(_)) => {
                let texts = texts.join(", ");
                return Err(format!("which timer of {me:?}? Pending are {texts}"));
            }
            (None, None, _) if texts.is_empty() => {
                return Err(format!("no timer of {me:?} is pending"));
            }
            (None, None, _) => {
                let texts = texts.join(", ");
                return Err(format!(
                    "no such timer of {me:?} is pending; there are {texts}"
                ));
            }
        };
        Ok(timers.remove(place).0)
    }

    /// Takes the oldest timer that runs for no time at all.
    pub(super) fn take_zero_timer(&mut self) -> Option<A::Timer> {
        let timers = &mut self.life.as_mut()?.timers;
        let place = timers.iter().position(|(_, delay)| delay.max.is_zero())?;
        Some(timers.remove(place).0)
    }

    fn life(&mut self) -> Result<&mut Life<A>, String> {
        let me = self.members.me();
        let down = || format!("{me:?} is down: `start {me}` boots it");
        self.life.as_mut().ok_or_else(down)
    }
}

impl<A: ElectionAlgorithm> Life<A> {
    fn apply(&mut self, order: TimerChange<A::Timer>) {
        let timer = order.timer();
        self.timers.retain(|(running, _)| *running != timer);
        if let TimerChange::Set(_, delay) = order {
            self.timers.push((timer, delay));
        }
    }
}

fn ordered<T: Debug>(order: &TimerChange<T>) -> String {
    match order {
        TimerChange::Set(timer, Delay::ZERO) => format!("timer {timer:?} now"),
        TimerChange::Set(timer, Delay { min, max }) if min == max => {
            format!("timer {timer:?} {min:?}")
        }
        TimerChange::Set(timer, Delay { min, max }) => format!("timer {timer:?} {min:?}..{max:?}"),
        TimerChange::Cancel(timer) => format!("timer {timer:?} cancelled"),
    }
}
