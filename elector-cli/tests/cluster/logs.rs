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

/// The logs of all processes of a cluster. Threads read them while the processes run.
#[derive(Default)]
pub(crate) struct Logs {
    lines: Mutex<Lines>,
    /// Notified when there is a new line.
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Lines {
    lines: Vec<Line>,
    /// The last view of each node, from the node's present process.
    views: BTreeMap<u64, View>,
}

/// A line of the log of a node.
pub(crate) struct Line {
    pub(crate) node: u64,
    /// The number of the process that wrote this line. It is not the process id: `Cluster` numbers
    /// all processes that it starts.
    pub(crate) life: u32,
    pub(crate) text: String,
    pub(crate) view: Option<View>,
}

/// The view of a node: what the node has logged about its role, epoch and leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) leads: bool,
    pub(crate) leader: Option<u64>,
    pub(crate) epoch: u64,
    /// When the view changed, in nanoseconds on the clock of [`elector_core::actor::now`].
    pub(crate) at_ns: u64,
}

impl Logs {
    /// Starts a thread that reads the log of a process of this node until the process ends. `life`
    /// is the number of the process: see [`Line::life`].
    pub(crate) fn read(self: &Arc<Self>, node: u64, life: u32, from: impl Read + Send + 'static) {
        self.change(|lines| {
            lines.views.remove(&node);
        });
        let logs = Arc::clone(self);
        thread::spawn(move || {
            for text in BufReader::new(from).lines().map_while(Result::ok) {
                let view = view(&text);
                logs.change(|lines| {
                    let is_newest = lines.last_life(node) <= life;
                    if let Some(view) = view.clone().filter(|_| is_newest) {
                        lines.views.insert(node, view);
                    }
                    lines.lines.push(Line {
                        node,
                        life,
                        text,
                        view,
                    });
                });
            }
        });
    }

    /// Waits until `find` returns a value, and returns that value.
    pub(crate) fn wait_until<T>(&self, what: &str, mut find: impl FnMut(&Lines) -> Option<T>) -> T {
        let deadline = Instant::now() + LIMIT;
        let mut lines = self.lock();
        loop {
            if let Some(found) = find(&lines) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "timed out: {what}\n{}", lines.tail(60));
            let waited = self.changed.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until a process of this node has logged a line with this text.
    pub(crate) fn wait_for(&self, node: u64, text: &str) {
        self.wait_until(&format!("node {node} logs {text:?}"), |lines| {
            let mut lines = lines.of(node);
            lines.any(|line| line.text.contains(text)).then_some(())
        });
    }

    /// Calls `find` with the lines that were read so far.
    pub(crate) fn inspect<T>(&self, find: impl FnOnce(&Lines) -> T) -> T {
        find(&self.lock())
    }

    fn change(&self, change: impl FnOnce(&mut Lines)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Returns all lines of a node.
    pub(crate) fn of(&self, node: u64) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.node == node)
    }

    /// Returns all views that all nodes have logged, each with the id of the node.
    pub(crate) fn views(&self) -> impl Iterator<Item = (u64, &View)> {
        let lines = self.lines.iter();
        lines.filter_map(|line| Some((line.node, line.view.as_ref()?)))
    }

    /// Returns the last view of a node.
    pub(crate) fn view_of(&self, node: u64) -> Option<&View> {
        self.views.get(&node)
    }

    /// Returns the epoch and the leader, if all these nodes know the same leader, and the leader is
    /// one of them.
    pub(crate) fn agreed(&self, nodes: &[u64]) -> Option<(u64, u64)> {
        let first = self.view_of(*nodes.first()?)?;
        let (epoch, leader) = (first.epoch, first.leader?);
        let is_agreed = nodes.iter().all(|&node| {
            self.view_of(node).is_some_and(|view| {
                (view.epoch, view.leader) == (epoch, Some(leader)) && view.leads == (node == leader)
            })
        });
        (is_agreed && nodes.contains(&leader)).then_some((epoch, leader))
    }

    /// Returns the late ends of commands. Each value is the time from the end of the lease until
    /// the last process of the command was dead.
    pub(crate) fn late_ends(&self) -> Vec<Duration> {
        let ends = self
            .lines
            .iter()
            .filter(|line| line.text.contains("over_ns"));
        let lateness = |line: &Line| {
            let line: Value = serde_json::from_str(&line.text).ok()?;
            let number = |key| line.get(key)?.as_u64();
            number("over_ns")?.checked_sub(number("deadline_ns")?)
        };
        ends.filter_map(lateness)
            .map(Duration::from_nanos)
            .collect()
    }

    /// Returns the last lines of all nodes, for the message of a test that fails.
    pub(crate) fn tail(&self, count: usize) -> String {
        let mut tail = String::new();
        for line in self.lines.iter().rev().take(count).rev() {
            let _ = writeln!(tail, "{}.{}: {}", line.node, line.life, line.text);
        }
        tail
    }

    fn last_life(&self, node: u64) -> u32 {
        self.of(node).last().map_or(0, |line| line.life)
    }
}

/// Returns the view in a line, if the line has a view.
fn view(line: &str) -> Option<View> {
    let line: Value = serde_json::from_str(line).ok()?;
    let leader = match line.get("leader")?.as_str()? {
        "none" => None,
        id => Some(id.parse().ok()?),
    };
    Some(View {
        leads: line.get("role")?.as_str()? == "leader",
        leader,
        epoch: line.get("epoch")?.as_u64()?,
        at_ns: line.get("at_ns")?.as_u64()?,
    })
}
