use std::{collections::VecDeque, fmt::Debug, mem};

use elector_core::{
    Delay, ElectionAlgorithm, Input, Membership, Moment, Outgoing, Process, Refusal, TimerChange,
    View,
    host::{Host, Persist, carry_out, persisted},
};

use super::{command::Held, flight::text, host::view_text};

/// One node of a script, with its disk and its pending timers.
pub(super) struct ScriptNode<A: ElectionAlgorithm> {
    config: A::Config,
    members: Membership,
    disk: A::Durable,
    life: Option<Life<A>>,
    holds_writes: bool,
    holds_timers: bool,
    /// The output of the current step so far.
    transcript: Transcript<A>,
}

/// The part of a node that is lost in a crash.
struct Life<A: ElectionAlgorithm> {
    process: Process<A>,
    /// The running timers, in the order in which they were set.
    timers: Vec<(A::Timer, Delay)>,
    /// The writes that the script holds back, in order. Each has the number of its step.
    writes: VecDeque<(u64, A::Durable)>,
}

/// A step as text, and the messages that it sent.
pub(super) struct Transcript<A: ElectionAlgorithm> {
    /// The writes and the timer changes.
    pub(super) changes: Vec<String>,
    /// Everything that other nodes and the application can see: messages, the view, a refusal.
    pub(super) shown: Vec<String>,
    pub(super) sent: Vec<Outgoing<A::Message>>,
}

impl<A: ElectionAlgorithm> Default for Transcript<A> {
    fn default() -> Self {
        Self {
            changes: Vec::new(),
            shown: Vec::new(),
            sent: Vec::new(),
        }
    }
}

/// If the script does not hold the writes of the node, each write is durable immediately. So the
/// messages and the view of each step become visible immediately.
impl<A: ElectionAlgorithm> Host<A> for ScriptNode<A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        self.life.as_mut().map(|life| &mut life.process)
    }

    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist {
        if self.holds_writes
            && let Some(life) = &mut self.life
        {
            let line = format!("persist {durable:?} held");
            self.transcript.changes.push(line);
            life.writes.push_back((step, durable));
            return Persist::Pending;
        }
        self.transcript.changes.push(format!("persist {durable:?}"));
        self.disk = durable;
        Persist::Done
    }

    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]) {
        self.transcript
            .changes
            .extend(changes.iter().map(timer_text));
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
        self.transcript
            .shown
            .push(format!("view {}", view_text(view)));
    }

    fn refuse(&mut self, _step: u64, reason: Refusal) {
        self.transcript.shown.push(format!("refused: {reason}"));
    }
}

impl<A: ElectionAlgorithm> ScriptNode<A> {
    /// Creates a node that has never run.
    pub(super) fn new(config: A::Config, members: Membership) -> Self {
        Self {
            config,
            members,
            disk: A::Durable::default(),
            life: None,
            holds_writes: false,
            holds_timers: false,
            transcript: Transcript::default(),
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.life.is_some()
    }

    /// Returns the view of the node, or `None` while it is down.
    pub(super) fn view(&self) -> Option<View> {
        self.life.as_ref().map(|life| life.process.published())
    }

    pub(super) fn boot(&mut self) -> Result<(), String> {
        if self.runs() {
            return Err(format!("{:?} is already running", self.members.me()));
        }
        let (members, durable) = (self.members.clone(), self.disk.clone());
        self.life = Some(Life {
            process: Process::restore(&self.config, members, durable),
            timers: Vec::new(),
            writes: VecDeque::new(),
        });
        Ok(())
    }

    /// Ends the process. Returns the writes that are lost with it.
    pub(super) fn crash(&mut self) -> Result<Vec<A::Durable>, String> {
        let writes = mem::take(&mut self.life()?.writes);
        self.life = None;
        Ok(writes.into_iter().map(|(_, durable)| durable).collect())
    }

    /// Holds the writes of this node, or its timers with a delay of zero, from now on. Returns an
    /// error if they are held already.
    pub(super) fn hold(&mut self, what: Held) -> Result<(), String> {
        if mem::replace(self.is_held(what), true) {
            let (me, name) = (self.members.me(), name(what));
            return Err(format!(
                "the {name} of {me:?} are held already: release them with `release {name} {me}`"
            ));
        }
        Ok(())
    }

    /// Ends the hold for new writes or timers. Writes and timers that are already held stay held.
    pub(super) fn end_hold(&mut self, what: Held) -> Result<(), String> {
        if !mem::replace(self.is_held(what), false) {
            let (me, name) = (self.members.me(), name(what));
            return Err(format!(
                "the {name} of {me:?} are not held: hold them with `hold {name} {me}`"
            ));
        }
        Ok(())
    }

    fn is_held(&mut self, what: Held) -> &mut bool {
        match what {
            Held::Writes => &mut self.holds_writes,
            Held::Timers => &mut self.holds_timers,
        }
    }

    /// Makes the oldest held write durable. Returns the state that was written, and what becomes
    /// visible.
    pub(super) fn finish_write(&mut self) -> Option<(A::Durable, Transcript<A>)> {
        let (step, durable) = self.life.as_mut()?.writes.pop_front()?;
        self.disk = durable.clone();
        persisted(self, step);
        Some((durable, mem::take(&mut self.transcript)))
    }

    /// Steps the algorithm and carries out the step. Returns the output of the step.
    pub(super) fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Transcript<A>, String> {
        let me = self.members.me();
        let step = self.life()?.process.step(input, now);
        let step =
            step.map_err(|violation| format!("{me:?} violated its contract: {violation}"))?;
        carry_out(self, step);
        Ok(mem::take(&mut self.transcript))
    }

    /// Removes a pending timer and returns it: the timer whose `Debug` text is `name`, or else the
    /// only timer whose text starts with `name`. Without a name, this is the only pending timer.
    /// Returns an error if no timer or several timers match.
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
                return Err(format!(
                    "several timers of {me:?} match: name one of {texts}"
                ));
            }
            (None, None, _) if texts.is_empty() => {
                return Err(format!("{me:?} has no pending timer"));
            }
            (None, None, _) => {
                let texts = texts.join(", ");
                return Err(format!(
                    "{me:?} has no such pending timer; pending: {texts}"
                ));
            }
        };
        Ok(timers.remove(place).0)
    }

    /// Removes the oldest timer with a delay of zero and returns it, unless such timers are held.
    pub(super) fn take_zero_timer(&mut self) -> Option<A::Timer> {
        if self.holds_timers {
            return None;
        }
        let timers = &mut self.life.as_mut()?.timers;
        let place = timers.iter().position(|(_, delay)| delay.max.is_zero())?;
        Some(timers.remove(place).0)
    }

    fn life(&mut self) -> Result<&mut Life<A>, String> {
        let me = self.members.me();
        let down = || format!("{me:?} is down: boot it with `start {me}`");
        self.life.as_mut().ok_or_else(down)
    }
}

impl<A: ElectionAlgorithm> Life<A> {
    fn apply(&mut self, change: TimerChange<A::Timer>) {
        let timer = change.timer();
        self.timers.retain(|(running, _)| *running != timer);
        if let TimerChange::Set(_, delay) = change {
            self.timers.push((timer, delay));
        }
    }
}

fn name(what: Held) -> &'static str {
    match what {
        Held::Writes => "writes",
        Held::Timers => "timers",
    }
}

fn timer_text<T: Debug>(change: &TimerChange<T>) -> String {
    match change {
        TimerChange::Set(timer, Delay::ZERO) => format!("timer {timer:?} now"),
        TimerChange::Set(timer, Delay { min, max }) if min == max => {
            format!("timer {timer:?} {min:?}")
        }
        TimerChange::Set(timer, Delay { min, max }) => format!("timer {timer:?} {min:?}..{max:?}"),
        TimerChange::Cancel(timer) => format!("timer {timer:?} cancelled"),
    }
}
