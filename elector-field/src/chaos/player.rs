use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use super::{
    commands::Commands,
    counts::{Counts, expected},
    member::{Member, told},
    plan::{Fault, Hit, Kind, Step, Victim},
    undoing::Undoing,
    watch::Watch,
};
use crate::{error::Error, path::Path, switch::Switch, witness::now};

/// How often the ends of nodes are looked for.
const LOOK: Duration = Duration::from_millis(10);

/// How long a node that was told to end may take, and a healed cluster to have a leader whose
/// command runs. A node and a machine that do as they should take a hundredth of it.
const LIMIT: Duration = Duration::from_secs(60);

/// Does what a plan says to a cluster, and undoes it.
#[derive(Debug)]
pub(super) struct Player<'a> {
    switch: &'a Switch,
    pub(super) folder: &'a std::path::Path,
    // Dropped before the members: it asks them.
    pub(super) watch: Watch,
    pub(super) members: Vec<Member<'a>>,
    pub(super) commands: Commands,
    /// What is to be undone, and when.
    pending: Vec<(Instant, Undoing)>,
    /// Nodes that are down, or stopped, or wait for their disks, or have none.
    busy: BTreeSet<usize>,
    pub(super) counts: Counts,
    /// What was done, and when.
    pub(super) done: Vec<String>,
    pub(super) wrong: Vec<String>,
    /// Ends of nodes that should not be like this, which are wrong, too. The trial goes on.
    pub(super) strange: Vec<String>,
}

impl<'a> Player<'a> {
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
            done: Vec::new(),
            wrong: Vec::new(),
            strange: Vec::new(),
        }
    }

    /// Does all of this, undoes it, and waits until a leader's command runs.
    ///
    /// # Errors
    /// If the trial itself fails. What the cluster does wrong is noted.
    pub(super) fn play(&mut self, steps: &[Step]) -> Result<(), Error> {
        for &step in steps {
            self.undo_until(Instant::now() + step.after)?;
            self.inflict(step)?;
        }
        while let Some(last) = self.pending.iter().map(|(at, _)| *at).max() {
            self.undo_until(last)?;
        }
        self.converge()?;
        let leases = self.watch.leases();
        self.counts.leases += leases.count();
        self.wrong.extend(leases.overlaps());
        self.wrong.append(&mut self.commands.overlaps);
        self.wrong.append(&mut self.commands.tokens);
        Ok(())
    }

    /// Undoes what is due, until then.
    fn undo_until(&mut self, until: Instant) -> Result<(), Error> {
        loop {
            let now = Instant::now();
            let first = self.pending.iter().position(|(at, _)| *at <= now);
            match first.map(|first| self.pending.swap_remove(first)) {
                Some((_, undoing)) => self.undo(undoing)?,
                None if now >= until => return Ok(()),
                None => {
                    self.revive()?;
                    let due = self.pending.iter().map(|(at, _)| *at).min();
                    let next = due.map_or(until, |due| due.min(until)).min(now + LOOK);
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
            }
        }
    }

    fn inflict(&mut self, step: Step) -> Result<(), Error> {
        let victim = loop {
            match self.victim(step) {
                Some(victim) => break victim,
                // All are hit already, and none for long.
                None => self.undo_until(Instant::now() + LOOK)?,
            }
        };
        *self.counts.faults.entry(step.kind).or_default() += 1;
        let Step { fault, lasts, .. } = step;
        self.note(&format!("{fault:?} of node {} for {lasts:?}", victim + 1));
        let member = &mut self.members[victim];
        let undoing = match fault {
            Fault::Hit(hit @ (Hit::Pause | Hit::PauseGuardian)) => {
                member.foreseen = Some(step.kind);
                member.hit(hit);
                Undoing::Continue(victim)
            }
            Fault::Hit(hit) => {
                member.foreseen = Some(step.kind);
                member.hit(hit);
                Undoing::Start(victim, now())
            }
            Fault::Paths(path, side) => Undoing::Heal(path, side, victim),
            Fault::Proxy => {
                member.kill_proxy();
                Undoing::Proxy(victim)
            }
            Fault::Hang => {
                if let Some(disk) = &mut member.disk {
                    disk.hang()?;
                }
                Undoing::Release(victim)
            }
            Fault::Fail => {
                member.foreseen = Some(step.kind);
                if let Some(disk) = &member.disk {
                    disk.fail()?;
                }
                Undoing::Mend(victim)
            }
        };
        self.busy.extend(undoing.busy());
        self.pending.push((Instant::now() + lasts, undoing));
        self.rewire();
        Ok(())
    }

    fn undo(&mut self, undoing: Undoing) -> Result<(), Error> {
        if let Undoing::Start(node, since) = undoing {
            self.take_end(node)?;
            if self.members[node].runs() && Duration::from_nanos(now() - since) < LIMIT {
                self.pending.push((Instant::now() + LOOK, undoing));
                return Ok(());
            }
        }
        self.note(&format!("end of {undoing:?}"));
        match undoing {
            Undoing::Start(node, _) => {
                let member = &mut self.members[node];
                if member.runs() {
                    let after = member.foreseen;
                    let what = format!("node {} does not end after {after:?}", node + 1);
                    self.wrong.push(what);
                    member.kill_node();
                }
                member.start_node()?;
            }
            Undoing::Continue(node) => self.members[node].go_on(),
            Undoing::Heal(..) => self.rewire(),
            Undoing::Proxy(node) => self.members[node].start_proxy()?,
            Undoing::Release(node) => {
                if let Some(disk) = &mut self.members[node].disk {
                    disk.release()?;
                }
            }
            Undoing::Mend(node) => {
                self.take_end(node)?;
                let member = &mut self.members[node];
                if member.runs() {
                    // It had nothing to write.
                    self.counts.end(Some(Kind::FailDisk), "killed");
                    member.kill_node();
                }
                if let Some(disk) = &mut member.disk {
                    disk.mend()?;
                }
                member.start_node()?;
            }
        }
        if let Some(node) = undoing.busy() {
            self.busy.remove(&node);
        }
        Ok(())
    }

    /// Has each path do what the faults of paths that are pending say.
    fn rewire(&self) {
        let nodes = self.members.len();
        for from in 0..nodes {
            for to in (0..nodes).filter(|&to| to != from) {
                let faults = self
                    .pending
                    .iter()
                    .filter_map(|(_, undoing)| match undoing {
                        Undoing::Heal(path, side, victim) if side.has(nodes, *victim, from, to) => {
                            Some(*path)
                        }
                        _ => None,
                    });
                let path = faults.fold(Path::default(), Path::with);
                self.switch.set(from, to, path);
            }
        }
    }

    /// A node that is there to be hit: the one that is meant, or one after it.
    fn victim(&self, step: Step) -> Option<usize> {
        let nodes = self.members.len();
        let first = match step.victim {
            Victim::Node(node) => node,
            Victim::Leader => self.watch.leader().unwrap_or_default(),
        };
        let can = |&node: &usize| {
            let free = !self.busy.contains(&node) && self.members[node].runs();
            match step.fault {
                Fault::Paths(..) => true,
                Fault::Proxy => self.members[node].has_proxy(),
                Fault::Hit(_) => free,
                Fault::Hang | Fault::Fail => free && self.members[node].disk.is_some(),
            }
        };
        (first..nodes).chain(0..first).find(can)
    }

    /// A service manager starts anew what has ended. A node may have to be: its address is taken
    /// for as long as the command of its last life is not dead.
    fn revive(&mut self) -> Result<(), Error> {
        for node in 0..self.members.len() {
            self.take_end(node)?;
            if !self.members[node].runs() && !self.busy.contains(&node) {
                self.members[node].start_node()?;
            }
        }
        Ok(())
    }

    /// Notes how a node ended, if it has.
    fn take_end(&mut self, node: usize) -> Result<(), Error> {
        let member = &mut self.members[node];
        if let Some(status) = member.ended()? {
            let (after, how) = (member.foreseen, told(status));
            self.note(&format!("node {} ended: {how}", node + 1));
            if !expected(after, &how) {
                let what = format!("node {} ended with {how}, after {after:?}", node + 1);
                self.strange.push(what);
            }
            self.counts.end(after, &how);
        }
        Ok(())
    }

    /// All is healed: waits until there is one leader, and its command runs.
    pub(super) fn converge(&mut self) -> Result<(), Error> {
        let (began, healed) = (Instant::now(), now());
        loop {
            self.revive()?;
            self.commands.look(self.folder)?;
            let last = self.commands.last.map(|life| life.seen(self.folder));
            let runs = |leader| last.is_some_and(|life| life.node == leader && life.ended > healed);
            if self.watch.agreed(healed).is_some_and(runs) {
                self.counts.healing = self.counts.healing.max(began.elapsed());
                for member in &mut self.members {
                    member.foreseen = None;
                }
                return Ok(());
            }
            if began.elapsed() > LIMIT {
                let said = self.watch.said();
                self.wrong.push(format!(
                    "healed for {LIMIT:?}, and no leader whose command runs: the nodes say \
                     {said:?}, and the last command was {last:?}"
                ));
                return Ok(());
            }
            thread::sleep(LOOK);
        }
    }

    fn note(&mut self, what: &str) {
        self.done.push(format!("{} {what}", now()));
    }
}
