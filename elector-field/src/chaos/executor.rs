use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use super::{
    commands::Commands,
    counts::{Counts, is_expected},
    member::{Member, describe},
    plan::{Fault, Kind, ProcessFault, Step, Target},
    repair::Repair,
    watch::Watch,
};
use crate::{error::Error, path::Path, switch::Switch, witness::now};

/// How often the executor checks whether nodes have ended.
const CHECK_INTERVAL: Duration = Duration::from_millis(10);

/// How long a node may take to end after a signal. This is also how long a cluster without faults
/// may take until the command of a leader, which is the program that a node runs while it leads,
/// runs. Normally each of these takes about a hundredth of this time.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// Injects the faults of a plan into a cluster, and repairs them.
#[derive(Debug)]
pub(super) struct Executor<'a> {
    switch: &'a Switch,
    pub(super) folder: &'a std::path::Path,
    // This field is dropped before `members`, because the threads of this value send requests to
    // the members.
    pub(super) watch: Watch,
    pub(super) members: Vec<Member<'a>>,
    pub(super) commands: Commands,
    /// The repairs that the executor has not carried out yet, with the times at which they are due.
    pending: Vec<(Instant, Repair)>,
    /// The nodes, counted from 0, that are down or stopped, or whose disk hangs or fails.
    busy: BTreeSet<usize>,
    pub(super) counts: Counts,
    /// All faults, repairs and ends of nodes, with their times.
    pub(super) events: Vec<String>,
    /// Violations that end the trial after the present round of faults.
    pub(super) violations: Vec<String>,
    /// Texts about nodes that ended in an unexpected way. These are violations too, but the trial
    /// goes on.
    pub(super) unexpected_ends: Vec<String>,
}

impl<'a> Executor<'a> {
    pub(super) fn new(
        switch: &'a Switch,
        folder: &'a std::path::Path,
        watch: Watch,
        members: Vec<Member<'a>>,
    ) -> Self {
        Self {
            switch,
            folder,
            watch,
            members,
            commands: Commands::default(),
            pending: Vec::new(),
            busy: BTreeSet::new(),
            counts: Counts::default(),
            events: Vec::new(),
            violations: Vec::new(),
            unexpected_ends: Vec::new(),
        }
    }

    /// Injects these faults and repairs them. Then waits until the command of a leader (the program
    /// that a node runs while it leads) runs, and collects the violations.
    ///
    /// # Errors
    /// Returns an error if the trial cannot be carried out. Violations are collected instead.
    pub(super) fn run_round(&mut self, steps: &[Step]) -> Result<(), Error> {
        for &step in steps {
            self.repair_until(Instant::now() + step.after)?;
            self.inject(step)?;
        }
        while let Some(last) = self.pending.iter().map(|(at, _)| *at).max() {
            self.repair_until(last)?;
        }
        self.converge()?;
        let leases = self.watch.leases();
        self.counts.leases += leases.count();
        self.violations.extend(leases.violations());
        self.violations.append(&mut self.commands.overlaps);
        self.violations.append(&mut self.commands.token_violations);
        Ok(())
    }

    /// Carries out repairs when they are due, and restarts nodes that end, until the time `until`.
    fn repair_until(&mut self, until: Instant) -> Result<(), Error> {
        loop {
            let now = Instant::now();
            let first = self.pending.iter().position(|(at, _)| *at <= now);
            match first.map(|first| self.pending.swap_remove(first)) {
                Some((_, repair)) => self.repair(repair)?,
                None if now >= until => return Ok(()),
                None => {
                    self.restart_ended()?;
                    let due = self.pending.iter().map(|(at, _)| *at).min();
                    let next = due
                        .map_or(until, |due| due.min(until))
                        .min(now + CHECK_INTERVAL);
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            }
        }
    }

    fn inject(&mut self, step: Step) -> Result<(), Error> {
        let target = loop {
            match self.target(step) {
                Some(target) => break target,
                // No node can have this fault now, because all nodes have a fault already. The
                // first repair makes a node free for it.
                None => self.repair_until(Instant::now() + CHECK_INTERVAL)?,
            }
        };
        *self.counts.faults.entry(step.kind).or_default() += 1;
        let Step {
            fault, duration, ..
        } = step;
        self.note(&format!(
            "{fault:?} of node {} for {duration:?}",
            target + 1
        ));
        let member = &mut self.members[target];
        let repair = match fault {
            Fault::Process(fault @ (ProcessFault::Pause | ProcessFault::PauseGuardian)) => {
                member.ending_fault = Some(step.kind);
                member.inject(fault);
                Repair::Resume(target)
            }
            Fault::Process(fault) => {
                member.ending_fault = Some(step.kind);
                member.inject(fault);
                Repair::StartNode(target, now())
            }
            Fault::Paths(path, side) => Repair::Paths(path, side, target),
            Fault::Proxy => {
                member.kill_proxy();
                Repair::StartProxy(target)
            }
            Fault::FreezeDisk => {
                if let Some(disk) = &mut member.disk {
                    disk.freeze()?;
                }
                Repair::ThawDisk(target)
            }
            Fault::FailDisk => {
                member.ending_fault = Some(step.kind);
                if let Some(disk) = &member.disk {
                    disk.fail()?;
                }
                Repair::ReplaceDisk(target)
            }
        };
        self.busy.extend(repair.busy_node());
        self.pending.push((Instant::now() + duration, repair));
        self.update_paths();
        Ok(())
    }

    fn repair(&mut self, repair: Repair) -> Result<(), Error> {
        if let Repair::StartNode(node, since) = repair {
            self.take_end(node)?;
            let waited = Duration::from_nanos(now() - since);
            if self.members[node].is_running() && waited < TIME_LIMIT {
                self.pending.push((Instant::now() + CHECK_INTERVAL, repair));
                return Ok(());
            }
        }
        self.note(&format!("repair: {repair:?}"));
        match repair {
            Repair::StartNode(node, _) => {
                let member = &mut self.members[node];
                if member.is_running() {
                    let after = member.ending_fault;
                    let violation = format!("node {} does not end after {after:?}", node + 1);
                    self.violations.push(violation);
                    member.kill_node();
                }
                member.start_node()?;
            }
            Repair::Resume(node) => self.members[node].resume(),
            Repair::Paths(..) => self.update_paths(),
            Repair::StartProxy(node) => self.members[node].start_proxy()?,
            Repair::ThawDisk(node) => {
                if let Some(disk) = &mut self.members[node].disk {
                    disk.thaw()?;
                }
            }
            Repair::ReplaceDisk(node) => {
                self.take_end(node)?;
                let member = &mut self.members[node];
                if member.is_running() {
                    // The node has not noticed the failed disk, because it did not write. So it
                    // still runs.
                    self.counts.add_end(Some(Kind::FailDisk), "killed");
                    member.kill_node();
                }
                if let Some(disk) = &mut member.disk {
                    disk.replace()?;
                }
                member.start_node()?;
            }
        }
        if let Some(node) = repair.busy_node() {
            self.busy.remove(&node);
        }
        Ok(())
    }

    /// Sets the faults of each path (the direction from one node to another) to the combination of
    /// all faults that the path has at present.
    fn update_paths(&self) {
        let nodes = self.members.len();
        for from in 0..nodes {
            for to in (0..nodes).filter(|&to| to != from) {
                let faults = self.pending.iter().filter_map(|(_, repair)| match repair {
                    Repair::Paths(path, side, target) if side.has(nodes, *target, from, to) => {
                        Some(*path)
                    }
                    _ => None,
                });
                let path = faults.fold(Path::default(), Path::with);
                self.switch.set_path(from, to, path);
            }
        }
    }

    /// Returns the node, counted from 0, that gets the fault of this step: the planned target, or
    /// the first node after it that can have the fault; `None` if no node can have it.
    fn target(&self, step: Step) -> Option<usize> {
        let nodes = self.members.len();
        let first = match step.target {
            Target::Node(node) => node,
            Target::Leader => self.watch.leader().unwrap_or_default(),
        };
        let can_have_fault = |&node: &usize| {
            let is_free = !self.busy.contains(&node) && self.members[node].is_running();
            match step.fault {
                Fault::Paths(..) => true,
                Fault::Proxy => self.members[node].has_proxy(),
                Fault::Process(_) => is_free,
                Fault::FreezeDisk | Fault::FailDisk => is_free && self.members[node].disk.is_some(),
            }
        };
        (first..nodes).chain(0..first).find(can_have_fault)
    }

    /// Restarts the nodes that have ended, as a service manager does.
    ///
    /// A node may need several restarts: it cannot start as long as the command of its last life
    /// (its last process) keeps the address in use. A command is the program that a node runs while
    /// it leads.
    fn restart_ended(&mut self) -> Result<(), Error> {
        for node in 0..self.members.len() {
            self.take_end(node)?;
            if !self.members[node].is_running() && !self.busy.contains(&node) {
                self.members[node].start_node()?;
            }
        }
        Ok(())
    }

    /// Records how a node ended, if it has ended.
    fn take_end(&mut self, node: usize) -> Result<(), Error> {
        let member = &mut self.members[node];
        if let Some(status) = member.take_exit_status()? {
            let (after, how) = (member.ending_fault, describe(status));
            self.note(&format!("node {} ended: {how}", node + 1));
            if !is_expected(after, &how) {
                let violation = format!("node {} ended with {how}, after {after:?}", node + 1);
                self.unexpected_ends.push(violation);
            }
            self.counts.add_end(after, &how);
        }
        Ok(())
    }

    /// Waits until all nodes report one leader and its command (the program that a node runs while
    /// it leads) runs. The caller must have repaired all faults before. If the time limit passes,
    /// records a violation.
    pub(super) fn converge(&mut self) -> Result<(), Error> {
        let (began, repaired) = (Instant::now(), now());
        loop {
            self.restart_ended()?;
            self.commands.update(self.folder)?;
            let last = self
                .commands
                .last
                .map(|life| life.with_last_sign(self.folder));
            let runs =
                |leader| last.is_some_and(|life| life.node == leader && life.ended > repaired);
            if self.watch.agreed_leader(repaired).is_some_and(runs) {
                self.counts.recovery = self.counts.recovery.max(began.elapsed());
                for member in &mut self.members {
                    member.ending_fault = None;
                }
                return Ok(());
            }
            if began.elapsed() > TIME_LIMIT {
                let statuses = self.watch.statuses();
                self.violations.push(format!(
                    "no command of a leader runs, {TIME_LIMIT:?} after all faults were repaired. \
                     The nodes report {statuses:?}. The last command was {last:?}"
                ));
                return Ok(());
            }
            thread::sleep(CHECK_INTERVAL);
        }
    }

    fn note(&mut self, event: &str) {
        self.events.push(format!("{} {event}", now()));
    }
}
