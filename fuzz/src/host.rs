//! A host of one node, whose peers, disk and application the fuzzer is.

use std::{
    collections::{BTreeSet, VecDeque},
    env,
    sync::LazyLock,
};

use elector_core::{
    Command, Driver, ElectionAlgorithm, Input, Membership, Moment, NodeId, Outbox, Outgoing,
    Process, Role, TimerChange, View,
    host::{Host, Persist, carry_out, persisted},
};
use serde::de::DeserializeOwned;

use crate::{
    draw::Draw,
    observer::Observer,
    round_trip,
    settings::{self, Drawn},
};

/// Whether to print what happens: the story of a finding, to make a test of.
static PRINTS: LazyLock<bool> = LazyLock::new(|| env::var_os("ELECTOR_FUZZ_STORY").is_some());

/// One node, through all of its lives.
struct Node<A: ElectionAlgorithm> {
    config: A::Config,
    members: Membership,
    process: Process<A>,
    observer: Observer<A>,
    now: u64,
    /// Timers that were set, and have not elapsed or been cancelled.
    running: BTreeSet<A::Timer>,
    disk: Vec<u8>,
    /// Writes that have begun, with the numbers of their steps.
    writes: VecDeque<(u64, Vec<u8>)>,
    /// Whether a write takes until the fuzzer ends it; else it takes no time.
    disk_hangs: bool,
}

/// Runs a node of this algorithm on all that is drawn.
///
/// # Panics
/// If the algorithm breaks its contract.
pub fn run<A: Drawn>(draw: &mut Draw<'_>) {
    let members = settings::members(draw);
    let config = settings::config::<A>(draw, &members);
    if *PRINTS {
        eprintln!("{} in {members:?}, {config:?}", A::NAME);
    }
    let mut node = Node::<A>::boot(config, members);
    while !draw.is_spent() {
        node.happen(draw);
    }
}

/// A message of a peer of another version, or gone mad: any bytes that are one.
fn raw<M: DeserializeOwned>(draw: &mut Draw<'_>) -> Option<M> {
    postcard::from_bytes(draw.raw()).ok()
}

impl<A: ElectionAlgorithm> Host<A> for Node<A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        Some(&mut self.process)
    }

    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist {
        self.look_at_disk(&durable);
        self.writes.push_back((step, round_trip(&durable)));
        Persist::Pending
    }

    fn change_timers(&mut self, changes: &[TimerChange<A::Timer>]) {
        for change in changes {
            match *change {
                TimerChange::Set(timer, delay) => {
                    assert!(delay.min <= delay.max, "{timer:?}: {delay:?}");
                    self.running.insert(timer);
                }
                TimerChange::Cancel(timer) => {
                    self.running.remove(&timer);
                }
            }
        }
    }

    fn send(&mut self, _step: u64, out: Outgoing<A::Message>) {
        self.observer.sees_message(&out);
    }

    fn publish(&mut self, _step: u64, view: View) {
        self.observer.sees_view(view);
    }
}

impl<A: ElectionAlgorithm> Node<A> {
    fn boot(config: A::Config, members: Membership) -> Self {
        let durable = A::Durable::default();
        let disk = round_trip(&durable);
        let process = Process::restore(&config, members.clone(), durable);
        let mut node = Self {
            observer: Observer::new(members.clone(), process.published()),
            process,
            config,
            members,
            now: 0,
            running: BTreeSet::new(),
            disk,
            writes: VecDeque::new(),
            disk_hangs: false,
        };
        node.step(Input::Started);
        node
    }

    fn happen(&mut self, draw: &mut Draw<'_>) {
        match draw.below(32) {
            0..=6 => {
                let (from, message) = (self.somebody(draw), draw.value());
                self.step(Input::Received { from, message });
            }
            7 => {
                let from = self.somebody(draw);
                if let Some(message) = raw(draw) {
                    self.step(Input::Received { from, message });
                }
            }
            8..=15 => {
                if let Some((from, message)) = self.observer.answer(draw) {
                    self.step(Input::Received { from, message });
                }
            }
            16..=23 => {
                let place = draw.below(self.running.len());
                if let Some(timer) = self.running.iter().nth(place).copied() {
                    self.running.remove(&timer);
                    self.step(Input::Elapsed(timer));
                }
            }
            24 => match draw.value() {
                Input::Started => {} // A host says so once.
                stray => self.step(stray),
            },
            25 => {
                let peer = self.somebody(draw);
                let hints = [
                    Input::Suspected,
                    Input::Silent,
                    Input::Died,
                    Input::Returned,
                ];
                self.step(hints[draw.below(hints.len())](peer));
            }
            26 => self.step(Input::Commanded(Command::Campaign)),
            27 => self.step(Input::Commanded(Command::Resign)),
            28 => {
                let peer = self.somebody(draw);
                self.step(Input::Commanded(Command::TransferTo(peer)));
            }
            29 => self.finish_write(),
            30 => self.disk_hangs = !self.disk_hangs,
            _ => self.crash(),
        }
    }

    /// Mostly a member.
    fn somebody(&self, draw: &mut Draw<'_>) -> NodeId {
        let nodes = self.members.nodes();
        let place = draw.below(nodes.len() + 1);
        let member = nodes.get(place).copied();
        member.unwrap_or_else(|| NodeId(draw.number()))
    }

    /// Gives the node an input, and looks at all that it makes of it.
    fn step(&mut self, input: Input<A::Message, A::Timer>) {
        self.now += 1;
        if *PRINTS {
            eprintln!("{:4} {input:?}", self.now);
        }
        let now = Moment::from_nanos(self.now);
        // Without a driver, which keeps strangers out.
        let mut bare = self.process.driver().algorithm().clone();
        let mut out = Outbox::new(self.members.clone(), now);
        bare.step(input.clone(), &mut out);
        let step = match self.process.step(input.clone(), now) {
            Ok(step) => step,
            Err(breach) => panic!("{input:?}: {breach}"),
        };
        // Checked in another way than the driver does.
        let known = |peer| self.members.peers().any(|known| known == peer);
        if input.peer().is_none_or(known) {
            let algorithm = self.process.driver().algorithm();
            assert_eq!(&bare, algorithm, "{input:?} had two outcomes");
            assert_eq!(out.sends(), step.sends, "{input:?} had two outcomes");
            assert_eq!(out.timers(), step.timers, "{input:?} had two outcomes");
        } else {
            assert!(
                step.sends.is_empty() && step.timers.is_empty(),
                "{input:?} was heard"
            );
            assert!(
                step.persist.is_none() && step.view.is_none(),
                "{input:?} was heard"
            );
        }
        let commanded = matches!(input, Input::Commanded(_));
        assert!(commanded || step.refusal.is_none(), "{input:?} was refused");
        self.look_at_lease();
        carry_out(self, step);
        assert!(!self.running.is_empty(), "it waits for nothing");
        while !self.disk_hangs && !self.writes.is_empty() {
            self.finish_write();
        }
    }

    /// A lease counts from a round that this leader has sent.
    fn look_at_lease(&self) {
        let driver = self.process.driver();
        if let Some(lease) = driver.lease() {
            assert_eq!(driver.view().role, Role::Leader, "a lease of no leader");
            assert!(lease.nanos() <= self.now, "a lease from the future");
        }
    }

    /// What is to be written knows the present epoch, and a node can live on with it.
    fn look_at_disk(&self, durable: &A::Durable) {
        let (config, members) = (&self.config, self.members.clone());
        let mut next = Driver::<A>::restore(config, members, durable.clone());
        let (old, new) = (self.process.driver().view().epoch, next.view().epoch);
        assert!(new >= old, "{old:?} became {new:?} in {durable:?}");
        // The driver sees to it that the epoch does not go back from there.
        let started = next.step(Input::Started, Moment::from_nanos(self.now));
        assert!(started.is_ok(), "restored from {durable:?}: {started:?}");
    }

    fn finish_write(&mut self) {
        if let Some((number, bytes)) = self.writes.pop_front() {
            self.disk = bytes;
            persisted(self, number);
        }
    }

    /// What was not written is lost, and what was not seen has not happened.
    fn crash(&mut self) {
        if *PRINTS {
            eprintln!("     crash: {} writes are lost", self.writes.len());
        }
        let durable = postcard::from_bytes(&self.disk);
        let durable = durable.unwrap_or_else(|error| panic!("the disk cannot be read: {error}"));
        self.writes.clear();
        self.running.clear();
        self.process = Process::restore(&self.config, self.members.clone(), durable);
        self.observer.sees_restart(self.process.published());
        self.step(Input::Started);
    }
}
