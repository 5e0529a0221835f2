//! Tests of `host::carry_out`: it carries out every request of a step once, in the safe order.
#![allow(clippy::unwrap_used, reason = "an unexpected result must end a test")]

mod puppet;

use elector_core::{
    Command, Epoch, Input, Moment, NodeId, Outgoing, Process, Refusal, Step, TimerChange, Timing,
    View,
    host::{Host, Persist, carry_out, persisted},
};
use puppet::{Act, Disk, Puppet, Script, following, members, received};

/// A host that logs each call of a method of the trait `Host`.
struct Log {
    process: Option<Process<Puppet>>,
    writes: Persist,
    lines: Vec<String>,
}

impl Log {
    fn new(writes: Persist) -> Self {
        let process = Process::restore(&Timing::default(), members(), Disk::default());
        Self {
            process: Some(process),
            writes,
            lines: Vec::new(),
        }
    }

    fn log(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Passes this input to the process, carries out the step, and returns the log of the calls
    /// that this causes.
    fn step(&mut self, input: Input<Script, char>) -> Vec<String> {
        let process = self.process.as_mut().unwrap();
        let step = process.step(input, Moment::from_nanos(7)).unwrap();
        carry_out(self, step);
        std::mem::take(&mut self.lines)
    }

    fn persisted(&mut self, number: u64) -> Vec<String> {
        persisted(self, number);
        std::mem::take(&mut self.lines)
    }
}

impl Host<Puppet> for Log {
    fn process(&mut self) -> Option<&mut Process<Puppet>> {
        self.process.as_mut()
    }

    fn begin(&mut self, step: &mut Step<Puppet>) {
        self.log(format!("begin {}", step.number));
    }

    fn persist(&mut self, step: u64, durable: Disk) -> Persist {
        self.log(format!("persist {step}: {}", durable.value));
        self.writes
    }

    fn change_timers(&mut self, changes: &[TimerChange<char>]) {
        let timers: String = changes.iter().map(|change| change.timer()).collect();
        self.log(format!("order {timers}"));
    }

    fn reveal(&mut self, step: &Step<Puppet>) {
        self.log(format!("reveal {}", step.number));
    }

    fn send(&mut self, step: u64, out: Outgoing<Script>) {
        self.log(format!("send {step}: {:?}", out.to));
    }

    fn publish(&mut self, step: u64, view: View) {
        let seen = self.process.as_ref().map(Process::published);
        assert_eq!(seen, Some(view));
        self.log(format!("publish {step}: {:?}", view.epoch));
    }

    fn refuse(&mut self, step: u64, reason: Refusal) {
        self.log(format!("refuse {step}: {reason}"));
    }
}

const ALL: [Act; 6] = [
    Act::Show(View {
        epoch: Epoch(1),
        leader: None,
        role: elector_core::Role::Follower,
    }),
    Act::Refuse,
    Act::Send(NodeId(3)),
    Act::Send(NodeId(2)),
    Act::Set('t'),
    Act::Persist(5),
];

// The order of the calls must not be the order of the requests in `ALL`: the visible effects
// (messages, view and refusal) come last.
#[test]
fn a_step_is_carried_out_in_order() {
    let mut host = Log::new(Persist::Done);
    let done = host.step(received(&ALL));
    let expected = [
        "begin 1",
        "persist 1: 5",
        "order t",
        "reveal 1",
        "send 1: n3",
        "send 1: n2",
        "publish 1: e1",
        "refuse 1: as requested",
    ];
    assert_eq!(done, expected);
    let quiet = host.step(received(&[]));
    assert_eq!(quiet, ["begin 2", "reveal 2"], "no timers and no write");
}

// A write in progress holds back all visible effects after it, and no effect is shown twice.
#[test]
fn what_a_step_shows_waits_for_its_write() {
    let mut host = Log::new(Persist::Pending);
    let begun = host.step(received(&ALL));
    assert_eq!(begun, ["begin 1", "persist 1: 5", "order t"]);
    assert_eq!(host.step(Input::Commanded(Command::Resign)), ["begin 2"]);
    assert_eq!(host.process.as_ref().map(Process::waiting), Some(2));
    assert_eq!(host.persisted(0), [""; 0]);
    let shown = host.persisted(1);
    let expected = [
        "reveal 1",
        "send 1: n3",
        "send 1: n2",
        "publish 1: e1",
        "refuse 1: as requested",
        "reveal 2",
        "refuse 2: a puppet obeys messages only",
    ];
    assert_eq!(shown, expected);
    assert_eq!(host.persisted(1), [""; 0]);
}

// A process that has ended in the middle of a step, for example after a failed write, shows
// nothing.
#[test]
fn nothing_is_shown_of_a_process_that_has_ended() {
    let mut host = Log::new(Persist::Pending);
    host.step(received(&ALL));
    host.process = None;
    assert_eq!(host.persisted(1), [""; 0]);
}

// A lease counts only while the node leads in the published view and the driver still has the same
// view.
#[test]
fn a_lease_counts_while_the_published_view_leads() {
    let mut host = Log::new(Persist::Pending);
    let lead = |epoch| Act::Show(View::leading(Epoch(epoch), NodeId(1)));
    host.step(received(&[lead(1), Act::Persist(1), Act::Lease]));
    let lease = |host: &Log| {
        let process = host.process.as_ref().unwrap();
        assert!(process.driver().lease().is_some());
        assert_eq!(process.leads(), process.lease().is_some());
        process.lease()
    };
    assert_eq!(lease(&host), None, "no view was published yet");
    host.persisted(1);
    assert_eq!(lease(&host), Some(Moment::from_nanos(7)));
    host.step(received(&[Act::Show(following(2, 2)), Act::Persist(2)]));
    assert_eq!(lease(&host), None, "the driver has given it up");
    host.step(received(&[lead(3), Act::Persist(3)]));
    assert_eq!(lease(&host), None, "the published tenure differs");
}
