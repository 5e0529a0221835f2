use elector_core::{
    Command, Epoch, NodeId, Role, View,
    trace::{Event, Record, Stimulus},
};

use super::{Span, Track};

/// The history of one node, which a diagram draws as one lane.
#[derive(Clone, Debug)]
pub(crate) struct Lane<'a> {
    /// The node whose history this is.
    pub(crate) node: NodeId,
    /// The states of the node's process, as consecutive spans that cover the whole run.
    pub(crate) life: Vec<Span<Life>>,
    /// The views that the node published. There is no view from a crash to the first view that the
    /// node publishes after the crash.
    pub(crate) views: Vec<Span<View>>,
    /// The durable writes of the node, in the order of time.
    pub(crate) writes: Vec<Write<'a>>,
    /// The events of the node that have no duration, each with its moment in nanoseconds.
    pub(crate) marks: Vec<(u64, Mark<'a>)>,
    life_events: Vec<(u64, &'a Event)>,
    publishing: Track<View>,
}

/// The state of a node's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// The process runs.
    Running,
    /// The process is stopped, and continues later where it was.
    Paused,
    /// The node has no process: it has crashed, or was not started yet.
    Down,
}

/// A write of the durable state of a node.
#[derive(Clone, Debug)]
pub(crate) struct Write<'a> {
    /// The number of the step of the algorithm that requested the write. A step is what the
    /// algorithm does with one input.
    pub(crate) step: u64,
    /// The state that is written, as `Debug` text.
    pub(crate) detail: &'a str,
    /// The moment at which the write was requested.
    pub(crate) from_ns: u64,
    /// The moment at which the write was durable; `None` if it never was.
    pub(crate) durable_ns: Option<u64>,
    /// The moment at which the write was durable, or was lost in a crash. If neither occurred, the
    /// end of the run.
    pub(crate) to_ns: u64,
}

/// An event of a node that has no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark<'a> {
    /// The node's process has crashed.
    Crashed,
    /// The node's process started, for the first time or again.
    Booted,
    /// The disk of the node lost all data.
    Wiped,
    /// The host reported a suspicion or the silence of this peer.
    Suspected(NodeId),
    /// The host reported a proof of death of this peer.
    Died(NodeId),
    /// The application gave the node this command.
    Commanded(&'a Command),
    /// The node refused a command for this reason.
    Refused(&'a str),
}

impl<'a> Lane<'a> {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            node,
            life: Vec::new(),
            views: Vec::new(),
            writes: Vec::new(),
            marks: Vec::new(),
            life_events: Vec::new(),
            publishing: Track::default(),
        }
    }

    pub(super) fn read(&mut self, record: &'a Record) {
        let at_ns = record.at_ns;
        if let Some(mark) = mark(&record.event) {
            self.marks.push((at_ns, mark));
        }
        match &record.event {
            Event::Persisting { step, durable } => self.writes.push(Write {
                step: *step,
                detail: durable,
                from_ns: at_ns,
                durable_ns: None,
                to_ns: u64::MAX,
            }),
            Event::Persisted { step } => {
                let mut open = self.writes.iter_mut().rev();
                if let Some(write) = open.find(|write| write.step == *step) {
                    write.durable_ns = Some(at_ns);
                    write.to_ns = at_ns;
                }
            }
            Event::Viewed { view, .. } => self.publishing.set(at_ns, *view),
            Event::Crashed => {
                self.publishing.end(at_ns);
                self.abandon_writes(at_ns);
                self.life_events.push((at_ns, &record.event));
            }
            Event::Booted | Event::Paused | Event::Resumed => {
                self.life_events.push((at_ns, &record.event));
            }
            _ => {}
        }
    }

    pub(super) fn finish(&mut self, start_ns: u64, end_ns: u64) {
        self.abandon_writes(end_ns);
        self.views = std::mem::take(&mut self.publishing).finish(end_ns);
        let before = match self.life_events.first() {
            Some((_, Event::Booted)) => Life::Down,
            Some((_, Event::Resumed)) => Life::Paused,
            _ => Life::Running,
        };
        let mut life = Track::default();
        life.set(start_ns, before);
        for &(at_ns, event) in &self.life_events {
            let now = match event {
                Event::Crashed => Life::Down,
                Event::Paused => Life::Paused,
                _ => Life::Running,
            };
            life.set(at_ns, now);
        }
        self.life = life.finish(end_ns);
    }

    /// Returns the spans in which the node ran and led by its own view, each with the epoch that it
    /// led.
    pub(crate) fn leading(&self) -> Vec<Span<Epoch>> {
        let tenures = self
            .views
            .iter()
            .filter(|span| span.what.role == Role::Leader);
        let running = |span: &Span<View>| -> Vec<Span<Epoch>> {
            let window = (span.from_ns, span.to_ns);
            let lives = self.life.iter().filter(|life| life.what == Life::Running);
            lives
                .filter_map(|life| life.within(window))
                .map(|(from_ns, to_ns)| Span {
                    from_ns,
                    to_ns,
                    what: span.what.epoch,
                })
                .collect()
        };
        tenures.flat_map(running).collect()
    }

    /// Returns the state of the process at this moment.
    pub(crate) fn life_at(&self, at_ns: u64) -> Life {
        let span = self.life.iter().find(|span| span.contains(at_ns));
        // No span contains the end of the run, so the state at the end is the state of the last
        // span.
        span.or(self.life.last())
            .map_or(Life::Running, |span| span.what)
    }

    /// Returns the view that was last published before or at this moment. Returns `None` if the
    /// node has published none since its last crash.
    pub(crate) fn view_at(&self, at_ns: u64) -> Option<View> {
        let next = self.views.partition_point(|span| span.from_ns <= at_ns);
        let span = self.views.get(next.checked_sub(1)?)?;
        (span.contains(at_ns) || next == self.views.len() && span.to_ns == at_ns)
            .then_some(span.what)
    }

    fn abandon_writes(&mut self, at_ns: u64) {
        for write in &mut self.writes {
            write.to_ns = write.to_ns.min(at_ns);
        }
    }
}

fn mark(event: &Event) -> Option<Mark<'_>> {
    Some(match event {
        Event::Crashed => Mark::Crashed,
        Event::Booted => Mark::Booted,
        Event::Wiped => Mark::Wiped,
        Event::Refused { reason, .. } => Mark::Refused(reason),
        Event::Stepped { input, .. } => match input {
            Stimulus::Suspected { peer } | Stimulus::Silent { peer } => Mark::Suspected(*peer),
            Stimulus::Died { peer } => Mark::Died(*peer),
            Stimulus::Commanded { command } => Mark::Commanded(command),
            Stimulus::Started
            | Stimulus::Received { .. }
            | Stimulus::Elapsed { .. }
            | Stimulus::Returned { .. } => return None,
        },
        _ => return None,
    })
}
