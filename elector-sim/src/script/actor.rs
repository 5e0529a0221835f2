use std::{fmt::Debug, iter};

use elector_core::{
    Delay, Driver, ElectionAlgorithm, Gate, Input, Membership, Moment, Step, TimerOrder, View,
};

/// One node of a script, with its disk and its pending timers.
pub(super) struct Actor<A: ElectionAlgorithm> {
    config: A::Config,
    members: Membership,
    disk: A::Durable,
    life: Option<Life<A>>,
}

/// What a crash takes away.
struct Life<A: ElectionAlgorithm> {
    driver: Driver<A>,
    gate: Gate<A>,
    /// In the order in which they were set.
    timers: Vec<(A::Timer, Delay)>,
}

/// What a step ordered of disk and timers, in words, and the steps that may now be seen.
pub(super) type Outcome<A> = (Vec<String>, Vec<Box<Step<A>>>);

impl<A: ElectionAlgorithm> Actor<A> {
    /// A node that has never run.
    pub(super) fn new(config: A::Config, members: Membership) -> Self {
        Self {
            config,
            members,
            disk: A::Durable::default(),
            life: None,
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.life.is_some()
    }

    /// `None` while it is down.
    pub(super) fn view(&self) -> Option<View> {
        self.life.as_ref().map(|life| life.driver.view())
    }

    pub(super) fn boot(&mut self) -> Result<(), String> {
        if self.runs() {
            return Err(format!("{:?} runs already", self.members.me()));
        }
        let driver = Driver::restore(&self.config, self.members.clone(), self.disk.clone());
        self.life = Some(Life {
            driver,
            gate: Gate::new(),
            timers: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn crash(&mut self) -> Result<(), String> {
        self.life()?;
        self.life = None;
        Ok(())
    }

    /// Steps the algorithm and carries out what it orders of disk and timers.
    pub(super) fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Outcome<A>, String> {
        let me = self.members.me();
        let life = self.life()?;
        let step = life.driver.step(input, now);
        let step = step.map_err(|broken| format!("{me:?} broke its contract: {broken}"))?;
        let written = step.persist.clone();
        let mut orders: Vec<String> = written
            .iter()
            .map(|state| format!("persist {state:?}"))
            .collect();
        orders.extend(step.timers.iter().map(ordered));
        for order in &step.timers {
            life.apply(*order);
        }
        // The write is durable at once, so the gate opens before the step reaches it.
        if written.is_some() {
            life.gate.persisted(step.number);
        }
        let first = life.gate.pass(step);
        let shown = first.into_iter().chain(iter::from_fn(|| life.gate.pop()));
        let outcome = (orders, shown.collect());
        if let Some(state) = written {
            self.disk = state;
        }
        Ok(outcome)
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
    fn apply(&mut self, order: TimerOrder<A::Timer>) {
        let (TimerOrder::Set(timer, _) | TimerOrder::Cancel(timer)) = order;
        self.timers.retain(|(running, _)| *running != timer);
        if let TimerOrder::Set(timer, delay) = order {
            self.timers.push((timer, delay));
        }
    }
}

fn ordered<T: Debug>(order: &TimerOrder<T>) -> String {
    match order {
        TimerOrder::Set(timer, Delay::ZERO) => format!("timer {timer:?} now"),
        TimerOrder::Set(timer, Delay { min, max }) if min == max => {
            format!("timer {timer:?} {min:?}")
        }
        TimerOrder::Set(timer, Delay { min, max }) => format!("timer {timer:?} {min:?}..{max:?}"),
        TimerOrder::Cancel(timer) => format!("timer {timer:?} cancelled"),
    }
}
