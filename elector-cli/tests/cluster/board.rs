use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{BufRead, BufReader, Read},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::LIMIT;

/// All that the processes of a cluster say, as they say it.
#[derive(Default)]
pub(crate) struct Board {
    pinned: Mutex<Pinned>,
    news: Condvar,
}

#[derive(Default)]
pub(crate) struct Pinned {
    lines: Vec<Line>,
    /// What each node that runs knows.
    known: BTreeMap<u64, Said>,
}

/// A line of the log of a node.
pub(crate) struct Line {
    pub(crate) node: u64,
    /// Of which of its processes.
    pub(crate) life: u32,
    pub(crate) text: String,
    pub(crate) said: Option<Said>,
}

/// What a node said that it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) leads: bool,
    pub(crate) leader: Option<u64>,
    pub(crate) epoch: u64,
    /// When it came to know, on the clock of [`elector_core::actor::now`].
    pub(crate) at_ns: u64,
}

impl Board {
    /// Reads what a process says, until that ends.
    pub(crate) fn read(self: &Arc<Self>, node: u64, life: u32, from: impl Read + Send + 'static) {
        self.change(|pinned| {
            pinned.known.remove(&node);
        });
        let board = Arc::clone(self);
        thread::spawn(move || {
            for text in BufReader::new(from).lines().map_while(Result::ok) {
                let said = said(&text);
                board.change(|pinned| {
                    let is_newest = pinned.lives(node) <= life;
                    if let Some(said) = said.clone().filter(|_| is_newest) {
                        pinned.known.insert(node, said);
                    }
                    pinned.lines.push(Line {
                        node,
                        life,
                        text,
                        said,
                    });
                });
            }
        });
    }

    /// Waits until this is found.
    pub(crate) fn wait<T>(&self, what: &str, mut find: impl FnMut(&Pinned) -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        let mut pinned = self.lock();
        loop {
            if let Some(found) = find(&pinned) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never: {what}\n{}", pinned.tail(60));
            let waited = self.news.wait_timeout(pinned, left);
            pinned = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until a process of this node has said this.
    pub(crate) fn hears(&self, node: u64, words: &str) {
        self.wait(&format!("node {node} says {words:?}"), |pinned| {
            let mut lines = pinned.of(node);
            lines.any(|line| line.text.contains(words)).then_some(())
        });
    }

    /// What is found now.
    pub(crate) fn look<T>(&self, find: impl FnOnce(&Pinned) -> T) -> T {
        find(&self.lock())
    }

    fn change(&self, change: impl FnOnce(&mut Pinned)) {
        change(&mut self.lock());
        self.news.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Pinned> {
        self.pinned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pinned {
    /// What a node said, from the beginning.
    pub(crate) fn of(&self, node: u64) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.node == node)
    }

    /// What all nodes said that they know, from the beginning.
    pub(crate) fn said(&self) -> impl Iterator<Item = (u64, &Said)> {
        let said = self.lines.iter();
        said.filter_map(|line| Some((line.node, line.said.as_ref()?)))
    }

    /// What a node knows.
    pub(crate) fn knows(&self, node: u64) -> Option<&Said> {
        self.known.get(&node)
    }

    /// The epoch and the leader, if these nodes know the same one, and it is one of them.
    pub(crate) fn agreed(&self, nodes: &[u64]) -> Option<(u64, u64)> {
        let first = self.knows(*nodes.first()?)?;
        let (epoch, leader) = (first.epoch, first.leader?);
        let one = nodes.iter().all(|&node| {
            self.knows(node).is_some_and(|known| {
                (known.epoch, known.leader) == (epoch, Some(leader))
                    && known.leads == (node == leader)
            })
        });
        (one && nodes.contains(&leader)).then_some((epoch, leader))
    }

    /// How long after the end of the lease the last process of a command was dead, for each of
    /// which that is so.
    pub(crate) fn overruns(&self) -> Vec<Duration> {
        let ends = self
            .lines
            .iter()
            .filter(|line| line.text.contains("over_ns"));
        let overrun = |line: &Line| {
            let line: Value = serde_json::from_str(&line.text).ok()?;
            let number = |key| line.get(key)?.as_u64();
            number("over_ns")?.checked_sub(number("deadline_ns")?)
        };
        ends.filter_map(overrun).map(Duration::from_nanos).collect()
    }

    /// The last lines, for whoever must find out what went wrong.
    pub(crate) fn tail(&self, lines: usize) -> String {
        let mut tail = String::new();
        for line in self.lines.iter().rev().take(lines).rev() {
            let _ = writeln!(tail, "{}.{}: {}", line.node, line.life, line.text);
        }
        tail
    }

    fn lives(&self, node: u64) -> u32 {
        self.of(node).last().map_or(0, |line| line.life)
    }
}

fn said(line: &str) -> Option<Said> {
    let line: Value = serde_json::from_str(line).ok()?;
    let leader = match line.get("leader")?.as_str()? {
        "none" => None,
        id => Some(id.parse().ok()?),
    };
    Some(Said {
        leads: line.get("role")?.as_str()? == "leader",
        leader,
        epoch: line.get("epoch")?.as_u64()?,
        at_ns: line.get("at_ns")?.as_u64()?,
    })
}
