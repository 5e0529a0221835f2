//! A host of one node. The fuzzer decides what the peers, the disk and the application do.

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

/// Whether to print every event, so that a developer can turn a finding of the fuzzer into a test.
static PRINTS_EVENTS: LazyLock<bool> =
    LazyLock::new(|| env::var_os("ELECTOR_FUZZ_STORY").is_some());

/// One node over all of its lives: a crash ends a life, and the next life starts from the disk.
struct Node<A: ElectionAlgorithm> {
    config: A::Config,
    members: Membership,
    process: Process<A>,
    observer: Observer<A>,
    now: u64,
    /// The timers that are set, and have not elapsed or been cancelled.
    running: BTreeSet<A::Timer>,
    disk: Vec<u8>,
    /// The writes that have begun and not ended, each with the number of the step that requested
    /// it, and with the bytes that are written.
    writes: VecDeque<(u64, Vec<u8>)>,
    /// If `true`, a write ends only when the fuzzer draws its end. Otherwise a write takes no time.
    disk_hangs: bool,
}

/// Runs a node of this algorithm with all events that are drawn.
///
/// # Panics
/// Panics if the algorithm breaks its contract.
pub fn run<A: Drawn>(draw: &mut Draw<'_>) {
    let members = settings::members(draw);
    let config = settings::config::<A>(draw, &members);
    if *PRINTS_EVENTS {
        eprintln!("{} in {members:?}, {config:?}", A::NAME);
    }
    let mut node = Node::<A>::boot(config, members);
    while !draw.is_spent() {
        node.draw_event(draw);
    }
}

/// Draws a message as a peer of another version, or a faulty peer, may send it: from any bytes.
fn draw_raw_message<M: DeserializeOwned>(draw: &mut Draw<'_>) -> Option<M> {
    postcard::from_bytes(draw.raw()).ok()
}

impl<A: ElectionAlgorithm> Host<A> for Node<A> {
    fn process(&mut self) -> Option<&mut Process<A>> {
        Some(&mut self.process)
    }

    fn persist(&mut self, step: u64, durable: A::Durable) -> Persist {
        self.check_durable(&durable);
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

    fn draw_event(&mut self, draw: &mut Draw<'_>) {
        match draw.below(32) {
            0..=6 => {
                let (from, message) = (self.draw_node(draw), draw.value());
                self.step(Input::Received { from, message });
            }
            7 => {
                let from = self.draw_node(draw);
                if let Some(message) = draw_raw_message(draw) {
                    self.step(Input::Received { from, message });
                }
            }
            8..=15 => {
                if let Some((from, message)) = self.observer.answer(draw) {
                    self.step(Input::Received { from, message });
                }
            }
            16..=23 => {
                let index = draw.below(self.running.len());
                if let Some(timer) = self.running.iter().nth(index).copied() {
                    self.running.remove(&timer);
                    self.step(Input::Elapsed(timer));
                }
            }
            24 => match draw.value() {
                Input::Started => {} // A host starts a node once.
                input => self.step(input),
            },
            25 => {
                let peer = self.draw_node(draw);
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
                let peer = self.draw_node(draw);
                self.step(Input::Commanded(Command::TransferTo(peer)));
            }
            29 => self.finish_write(),
            30 => self.disk_hangs = !self.disk_hangs,
            _ => self.crash(),
        }
    }

    /// Draws a node, which is mostly a member.
    fn draw_node(&self, draw: &mut Draw<'_>) -> NodeId {
        let nodes = self.members.nodes();
        let index = draw.below(nodes.len() + 1);
        let member = nodes.get(index).copied();
        member.unwrap_or_else(|| NodeId(draw.number()))
    }

    /// Gives the node an input, and checks everything that the node does with it.
    fn step(&mut self, input: Input<A::Message, A::Timer>) {
        self.now += 1;
        if *PRINTS_EVENTS {
            eprintln!("{:4} {input:?}", self.now);
        }
        let now = Moment::from_nanos(self.now);
        // Also run a copy of the algorithm without a driver. The copy must do the same. It also
        // gets inputs from unknown peers, which a driver ignores: the algorithm must not panic at
        // them.
        let mut bare = self.process.driver().algorithm().clone();
        let mut out = Outbox::new(self.members.clone(), now);
        bare.step(input.clone(), &mut out);
        let step = match self.process.step(input.clone(), now) {
            Ok(step) => step,
            Err(violation) => panic!("{input:?}: {violation}"),
        };
        // This closure does not use the driver's own check of peers, so that this check is tested,
        // too.
        let is_peer = |node| self.members.peers().any(|peer| peer == node);
        if input.peer().is_none_or(is_peer) {
            let algorithm = self.process.driver().algorithm();
            assert_eq!(&bare, algorithm, "{input:?} had two outcomes");
            assert_eq!(out.sends(), step.sends, "{input:?} had two outcomes");
            assert_eq!(out.timers(), step.timers, "{input:?} had two outcomes");
        } else {
            assert!(
                step.sends.is_empty() && step.timers.is_empty(),
                "{input:?} of an unknown peer had an effect"
            );
            assert!(
                step.persist.is_none() && step.view.is_none(),
                "{input:?} of an unknown peer had an effect"
            );
        }
        let commanded = matches!(input, Input::Commanded(_));
        assert!(commanded || step.refusal.is_none(), "{input:?} was refused");
        self.check_lease();
        carry_out(self, step);
        assert!(
            !self.running.is_empty(),
            "the node has no timer, so it would never act again"
        );
        while !self.disk_hangs && !self.writes.is_empty() {
            self.finish_write();
        }
    }

    /// Checks that only a leader has a lease, and that the lease does not begin in the future.
    fn check_lease(&self) {
        let driver = self.process.driver();
        if let Some(lease) = driver.lease() {
            assert_eq!(
                driver.view().role,
                Role::Leader,
                "a node that does not lead has a lease"
            );
            assert!(lease.nanos() <= self.now, "the lease begins in the future");
        }
    }

    /// Checks that the epoch of the state to be written is not below the present epoch of the node,
    /// and that a node can start with this state.
    fn check_durable(&self, durable: &A::Durable) {
        let (config, members) = (&self.config, self.members.clone());
        let mut next = Driver::<A>::restore(config, members, durable.clone());
        let (old, new) = (self.process.driver().view().epoch, next.view().epoch);
        assert!(new >= old, "{old:?} became {new:?} in {durable:?}");
        // After the restore, the driver itself checks that the epoch does not go back.
        let started = next.step(Input::Started, Moment::from_nanos(self.now));
        assert!(started.is_ok(), "restored from {durable:?}: {started:?}");
    }

    fn finish_write(&mut self) {
        if let Some((number, bytes)) = self.writes.pop_front() {
            self.disk = bytes;
            persisted(self, number);
        }
    }

    /// Restarts the node from its disk. Writes that have not ended are lost.
    fn crash(&mut self) {
        if *PRINTS_EVENTS {
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
