//! Tests of wrapped algorithms: [`Outbox::scoped`] must be enough to wrap one algorithm in another.

mod puppet;

use elector_core::{
    BestEffort, Command, Delay, Driver, ElectionAlgorithm, Epoch, Input, Membership, Message,
    Moment, NodeId, Outbox, Outgoing, Purpose, TimerChange, Timing, View,
};
use puppet::{Act, Disk, Puppet, Script, driver, following, members};
use serde::{Deserialize, Serialize};

/// An algorithm that wraps a [`Puppet`], which does what its messages say. The wrapper also counts
/// in its durable state how often its own timer `Wake` has elapsed, and answers pings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Wrapper {
    inner: Puppet,
    durable: Both,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Both {
    inner: Disk,
    wakes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Wrapped {
    Inner(Script),
    Ping,
    Pong,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
enum Alarm {
    Inner(char),
    Wake,
}

impl Message for Wrapped {
    fn kind(&self) -> &'static str {
        match self {
            Self::Inner(inner) => inner.kind(),
            Self::Ping => "Ping",
            Self::Pong => "Pong",
        }
    }

    fn purpose(&self) -> Purpose {
        match self {
            Self::Inner(inner) => inner.purpose(),
            Self::Ping | Self::Pong => Purpose::Application,
        }
    }
}

impl Wrapper {
    fn inner(&mut self, input: Input<Script, char>, out: &mut Outbox<Self>) {
        let inner = &mut self.inner;
        out.scoped::<Puppet>(Wrapped::Inner, Alarm::Inner, |out| inner.step(input, out));
        self.durable.inner.clone_from(self.inner.durable());
    }
}

impl ElectionAlgorithm for Wrapper {
    const NAME: &'static str = "wrapper";
    type Guarantee = BestEffort;
    type Config = Timing;
    type Message = Wrapped;
    type Timer = Alarm;
    type Durable = Both;

    fn restore(config: &Timing, members: Membership, durable: Both) -> Self {
        Self {
            inner: Puppet::restore(config, members, durable.inner.clone()),
            durable,
        }
    }

    fn durable(&self) -> &Both {
        &self.durable
    }

    fn view(&self) -> View {
        self.inner.view()
    }

    fn lease(&self) -> Option<Moment> {
        self.inner.lease()
    }

    fn step(&mut self, input: Input<Wrapped, Alarm>, out: &mut Outbox<Self>) {
        match input {
            Input::Started => {
                out.set_timer(Alarm::Wake, Delay::ZERO);
                self.inner(Input::Started, out);
            }
            Input::Received {
                from,
                message: Wrapped::Inner(message),
            } => {
                out.send(from, Wrapped::Ping);
                self.inner(Input::Received { from, message }, out);
                out.send(from, Wrapped::Pong);
            }
            Input::Received {
                from,
                message: Wrapped::Ping,
            } => out.send(from, Wrapped::Pong),
            Input::Received {
                message: Wrapped::Pong,
                ..
            } => {}
            Input::Elapsed(Alarm::Wake) => self.durable.wakes += 1,
            Input::Elapsed(Alarm::Inner(timer)) => self.inner(Input::Elapsed(timer), out),
            Input::Suspected(peer) => self.inner(Input::Suspected(peer), out),
            Input::Silent(peer) => self.inner(Input::Silent(peer), out),
            Input::Died(peer) => self.inner(Input::Died(peer), out),
            Input::Returned(peer) => self.inner(Input::Returned(peer), out),
            Input::Commanded(command) => self.inner(Input::Commanded(command), out),
        }
    }
}

fn received(acts: &[Act]) -> Input<Wrapped, Alarm> {
    Input::Received {
        from: NodeId(2),
        message: Wrapped::Inner(Script(acts.to_vec())),
    }
}

// A replicated log, for example, can wrap an election. The requests of the inner algorithm must
// come out wrapped, in their place among the wrapper's requests. The durable state of the inner
// algorithm must come out together with the wrapper's state.
#[test]
fn a_wrapped_algorithm_works_through_its_wrapper() {
    let mut driver = driver::<Wrapper>();
    let step = driver.step(Input::Started, Moment::ZERO).unwrap();
    assert_eq!(step.timers, [TimerChange::Set(Alarm::Wake, Delay::ZERO)]);
    assert_eq!(step.persist.unwrap().inner.value, 1);

    let view = following(3, 2);
    let acts = [
        Act::Persist(7),
        Act::Show(view),
        Act::Send(NodeId(3)),
        Act::Set('x'),
        Act::Cancel('y'),
    ];
    let step = driver.step(received(&acts), Moment::ZERO).unwrap();
    let sends = [
        (2, Wrapped::Ping),
        (3, Wrapped::Inner(Script(Vec::new()))),
        (2, Wrapped::Pong),
    ];
    let sends = sends.map(|(to, message)| Outgoing {
        to: NodeId(to),
        message,
    });
    assert_eq!(step.sends, sends);
    let timers = [
        TimerChange::Set(Alarm::Inner('x'), Delay::ZERO),
        TimerChange::Cancel(Alarm::Inner('y')),
    ];
    assert_eq!(step.timers, timers);
    assert_eq!(step.view, Some(view));
    assert_eq!(step.persist.unwrap().inner.value, 7);

    let elapsed = Input::Elapsed(Alarm::Inner('x'));
    let step = driver.step(elapsed, Moment::ZERO).unwrap();
    assert_eq!(step.persist.unwrap().inner.value, 8);
}

// A wrapped algorithm runs within the step of its wrapper: it has the time and the members of this
// step, and its refusal reaches the host.
#[test]
fn a_scope_has_the_stamp_the_members_and_the_refusal_of_its_step() {
    let mut driver = driver::<Wrapper>();
    let now = Moment::from_nanos(40);
    let acts = [Act::Lease, Act::Broadcast, Act::Refuse];
    let step = driver.step(received(&acts), now).unwrap();
    assert_eq!(driver.lease(), Some(now));
    let inner = step
        .sends
        .iter()
        .filter(|out| out.message.kind() == "Script");
    let to: Vec<u64> = inner.map(|out| out.to.0).collect();
    assert_eq!(to, [2, 3]);
    assert_eq!(step.refusal, Some("as requested".into()));

    let mut out = Outbox::<Wrapper>::new(members(), now);
    out.refuse("by the wrapper");
    out.scoped::<Puppet>(Wrapped::Inner, Alarm::Inner, |_| ());
    assert_eq!(
        out.refusal(),
        Some("by the wrapper".into()),
        "an inner step that refuses nothing must not hide the wrapper's refusal"
    );
}

// After a crash and a restart, the wrapped state must come back together with the wrapper's state.
#[test]
fn a_wrapped_algorithm_comes_back_from_the_wrappers_disk() {
    let mut driver = driver::<Wrapper>();
    driver
        .step(received(&[Act::Persist(7)]), Moment::ZERO)
        .unwrap();
    let step = driver.step(Input::Elapsed(Alarm::Wake), Moment::ZERO);
    let disk = step.unwrap().persist.unwrap();
    let again = Driver::<Wrapper>::restore(&Timing::default(), members(), disk);
    assert_eq!(again.algorithm().inner.durable.value, 7);
    assert_eq!(again.algorithm().durable.wakes, 1);
}

// The guarantee of the wrapper counts, and not that of the inner algorithm. A best-effort wrapper
// may change its leader in an epoch, although the inner quorum algorithm may not, and the driver
// must allow this change.
#[test]
fn best_effort_may_change_the_leader_of_an_epoch() {
    let mut driver = driver::<Wrapper>();
    for leader in [2, 3] {
        let view = following(5, leader);
        let step = driver
            .step(received(&[Act::Show(view)]), Moment::ZERO)
            .unwrap();
        assert_eq!(step.view, Some(view));
    }
    let back = View::following(Epoch(4), None);
    assert!(
        driver
            .step(received(&[Act::Show(back)]), Moment::ZERO)
            .is_err()
    );
    let command = Input::Commanded(Command::Resign);
    let mut driver = puppet::driver::<Wrapper>();
    let step = driver.step(command, Moment::ZERO).unwrap();
    assert_eq!(step.refusal, Some("a puppet obeys messages only".into()));
}
