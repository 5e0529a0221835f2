//! A host of one node, whose peers, disk and application the fuzzer is.

use std::{
    collections::{BTreeSet, VecDeque},
    env,
    sync::LazyLock,
};

use elector_core::{
    Command, Driver, ElectionAlgorithm, Gate, Input, Membership, Moment, NodeId, Outbox, Role,
    Step, TimerOrder,
};
use serde::de::DeserializeOwned;

use crate::{
    draw::Draw,
    observer::Observer,
    round_trip,
    settings::{self, Drawn},
};

/// Whether to print what happens: the story of a finding, to make a test of.
static TOLD: LazyLock<bool> = LazyLock::new(|| env::var_os("ELECTOR_FUZZ_STORY").is_some());

/// One node, through all of its lives.
struct Host<A: ElectionAlgorithm> {
    config: A::Config,
    members: Membership,
    driver: Driver<A>,
    gate: Gate<A>,
    observer: Observer<A>,
    now: u64,
    /// Ordered, and neither elapsed nor cancelled.
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
    if *TOLD {
        eprintln!("{} in {members:?}, {config:?}", A::NAME);
    }
    let mut host = Host::<A>::boot(config, members);
    while !draw.is_spent() {
        host.happen(draw);
    }
}

/// A message of a peer of another version, or gone mad: any bytes that are one.
fn raw<M: DeserializeOwned>(draw: &mut Draw<'_>) -> Option<M> {
    postcard::from_bytes(draw.raw()).ok()
}

impl<A: ElectionAlgorithm> Host<A> {
    fn boot(config: A::Config, members: Membership) -> Self {
        let durable = A::Durable::default();
        let disk = round_trip(&durable);
        let driver = Driver::restore(&config, members.clone(), durable);
        let mut host = Self {
            observer: Observer::new(members.clone(), driver.view()),
            driver,
            config,
            members,
            gate: Gate::new(),
            now: 0,
            running: BTreeSet::new(),
            disk,
            writes: VecDeque::new(),
            disk_hangs: false,
        };
        host.step(Input::Started);
        host
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
                let told = [
                    Input::Suspected,
                    Input::Silent,
                    Input::Died,
                    Input::Returned,
                ];
                self.step(told[draw.below(told.len())](peer));
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
        if *TOLD {
            eprintln!("{:4} {input:?}", self.now);
        }
        let now = Moment::from_nanos(self.now);
        // Without a driver, which keeps strangers out.
        let mut bare = self.driver.algorithm().clone();
        let mut out = Outbox::new(self.members.clone(), now);
        bare.step(input.clone(), &mut out);
        let step = match self.driver.step(input.clone(), now) {
            Ok(step) => step,
            Err(breach) => panic!("{input:?}: {breach}"),
        };
        if self.may_arrive(&input) {
            assert_eq!(&bare, self.driver.algorithm(), "{input:?} had two outcomes");
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
        self.carry_out(step);
    }

    fn may_arrive(&self, input: &Input<A::Message, A::Timer>) -> bool {
        match input {
            Input::Received { from: peer, .. }
            | Input::Suspected(peer)
            | Input::Silent(peer)
            | Input::Died(peer)
            | Input::Returned(peer) => self.members.peers().any(|known| known == *peer),
            Input::Started | Input::Elapsed(_) | Input::Commanded(_) => true,
        }
    }

    /// A lease counts from a round that this leader has sent.
    fn look_at_lease(&self) {
        if let Some(lease) = self.driver.lease() {
            assert_eq!(
                self.driver.view().role,
                Role::Leader,
                "a lease of no leader"
            );
            assert!(lease.nanos() <= self.now, "a lease from the future");
        }
    }

    fn carry_out(&mut self, step: Box<Step<A>>) {
        for order in &step.timers {
            match *order {
                TimerOrder::Set(timer, delay) => {
                    assert!(delay.min <= delay.max, "{timer:?}: {delay:?}");
                    self.running.insert(timer);
                }
                TimerOrder::Cancel(timer) => {
                    self.running.remove(&timer);
                }
            }
        }
        assert!(!self.running.is_empty(), "it waits for nothing");
        if let Some(durable) = &step.persist {
            self.look_at_disk(durable);
            self.writes.push_back((step.number, round_trip(durable)));
        }
        if let Some(step) = self.gate.pass(step) {
            self.observer.sees(&step);
            self.driver.recycle(step);
        }
        while !self.disk_hangs && !self.writes.is_empty() {
            self.finish_write();
        }
    }

    /// What is to be written knows the present epoch, and a node can live on with it.
    fn look_at_disk(&self, durable: &A::Durable) {
        let (config, members) = (&self.config, self.members.clone());
        let mut next = Driver::<A>::restore(config, members, durable.clone());
        let (old, new) = (self.driver.view().epoch, next.view().epoch);
        assert!(new >= old, "{old:?} became {new:?} in {durable:?}");
        // The driver sees to it that the epoch does not go back from there.
        let started = next.step(Input::Started, Moment::from_nanos(self.now));
        assert!(started.is_ok(), "restored from {durable:?}: {started:?}");
    }

    fn finish_write(&mut self) {
        if let Some((number, bytes)) = self.writes.pop_front() {
            self.disk = bytes;
            self.gate.persisted(number);
        }
        while let Some(step) = self.gate.pop() {
            self.observer.sees(&step);
        }
    }

    /// What was not written is lost, and what was not seen has not happened.
    fn crash(&mut self) {
        if *TOLD {
            eprintln!("     crash: {} writes are lost", self.writes.len());
        }
        let durable = postcard::from_bytes(&self.disk);
        let durable = durable.unwrap_or_else(|error| panic!("the disk cannot be read: {error}"));
        self.writes.clear();
        self.running.clear();
        self.gate = Gate::new();
        self.driver = Driver::restore(&self.config, self.members.clone(), durable);
        self.observer.sees_restart(self.driver.view());
        self.step(Input::Started);
    }
}
