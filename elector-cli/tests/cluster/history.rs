//! The lines that the commands of leaders have written, and the rules that these lines must follow.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use elector_core::GuaranteeKind;

/// A line that a command has written to one of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) writer: Writer,
    /// The time of the line, on the clock of [`elector_core::actor::now`].
    pub(crate) at_ns: u64,
    /// A token, or a time in nanoseconds: see [`Kind`].
    pub(crate) other: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command has started; `other` is 0.
    Began,
    /// The fence, which rejects older tokens, has accepted a write; `other` is 0.
    Wrote,
    /// The fence, which rejects older tokens, has rejected a write, because it has accepted a newer
    /// token before; `other` is this newer token.
    Rejected,
    /// Another command holds the file lock, so two commands run at the same time; `other` is the
    /// token of the other command.
    Overlaps,
    /// The command has waited for the file lock; `other` is the length of the wait in nanoseconds.
    Waited,
}

/// A process of a command that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Writer {
    pub(crate) token: u64,
    pub(crate) node: u64,
    pub(crate) pid: u64,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Began, "began"),
    (Kind::Wrote, "wrote"),
    (Kind::Rejected, "rejected"),
    (Kind::Overlaps, "overlaps"),
    (Kind::Waited, "waited"),
];

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Writer { token, node, pid } = self.writer;
        let kind = KINDS.iter().find(|(kind, _)| *kind == self.kind);
        let kind = kind.map_or("", |(_, name)| name);
        write!(
            f,
            "{kind} {token} {node} {pid} {} {}",
            self.at_ns, self.other
        )
    }
}

impl FromStr for Entry {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let read = || {
            let (kind, rest) = line.split_once(' ')?;
            let kind = KINDS.iter().find(|(_, name)| *name == kind)?.0;
            let numbers: Result<Vec<u64>, _> = rest.split(' ').map(str::parse).collect();
            let [token, node, pid, at_ns, other] = numbers.ok()?[..] else {
                return None;
            };
            let writer = Writer { token, node, pid };
            Some(Self {
                kind,
                writer,
                at_ns,
                other,
            })
        };
        read().ok_or_else(|| format!("not a line of a command: {line:?}"))
    }
}

/// What the test has found in the lines that the commands have written.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) writes: u64,
    pub(crate) commands: u64,
    /// The tokens of all writes, each with the id of the node and the process id of the first
    /// writer with this token.
    pub(crate) tokens: BTreeMap<u64, (u64, u64)>,
    /// The last write that the fence, which rejects older tokens, has accepted.
    pub(crate) last: Option<Entry>,
    /// Writes that the fence should have rejected, because their tokens are older than an accepted
    /// one. Each is a violation under every algorithm.
    pub(crate) leaks: Vec<String>,
    /// Cases in which two commands ran at the same time, and consequences of that. Each is a
    /// violation under a quorum algorithm.
    pub(crate) overlaps: Vec<String>,
    /// The time of the last write with each token, in nanoseconds.
    last_of: BTreeMap<u64, u64>,
    /// Writers after which another writer has written. If one of them writes again, two commands
    /// run at the same time.
    past: BTreeSet<Writer>,
}

impl Findings {
    /// Adds the next line that a command has written to one of its files.
    pub(crate) fn add(&mut self, entry: Entry) {
        match entry.kind {
            Kind::Began => self.commands += 1,
            Kind::Wrote => self.wrote(entry),
            Kind::Rejected => self.overlaps.push(format!(
                "a token is older than the one accepted before it: {entry}"
            )),
            Kind::Overlaps => {
                let last = self.last_of.get(&entry.other).copied().unwrap_or(0);
                let before = i128::from(entry.at_ns) - i128::from(last);
                self.overlaps.push(format!(
                    "two commands at once: {entry}; the other one wrote {before} ns before"
                ));
            }
            Kind::Waited => self
                .overlaps
                .push(format!("the overlap took this long: {entry}")),
        }
    }

    /// Returns the violations of this guarantee.
    pub(crate) fn violations(&self, guarantee: GuaranteeKind) -> Vec<&str> {
        let is_quorum = guarantee == GuaranteeKind::Quorum;
        let overlaps = self.overlaps.iter().filter(|_| is_quorum);
        self.leaks
            .iter()
            .chain(overlaps)
            .map(String::as_str)
            .collect()
    }

    fn wrote(&mut self, entry: Entry) {
        self.writes += 1;
        let Writer { token, node, pid } = entry.writer;
        self.last_of.insert(token, entry.at_ns);
        let owner = *self.tokens.entry(token).or_insert((node, pid));
        if owner != (node, pid) {
            let (node, pid) = owner;
            self.overlaps.push(format!(
                "this is the token of process {pid} of node {node}: {entry}"
            ));
        }
        let Some(last) = self.last.replace(entry) else {
            return;
        };
        if token < last.writer.token {
            self.leaks
                .push(format!("the token went back: {last}, then {entry}"));
        }
        if last.writer != entry.writer {
            self.past.insert(last.writer);
            if self.past.contains(&entry.writer) {
                self.overlaps
                    .push(format!("two commands wrote in turns: {last}, then {entry}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(lines: &[&str]) -> Findings {
        let mut findings = Findings::default();
        for line in lines {
            findings.add(line.parse().unwrap());
        }
        findings
    }

    const VALID: [&str; 6] = [
        "began 1 3 70 100 0",
        "wrote 1 3 70 101 0",
        "wrote 1 3 70 102 0",
        // The command of node 3 with the token 1 has ended, and was started again with the token 2.
        "wrote 2 3 71 103 0",
        "began 4 2 80 104 0",
        "wrote 4 2 80 105 0",
    ];

    // If the check reported violations in a valid history, developers would ignore its reports.
    #[test]
    fn a_valid_history_has_no_violation() {
        let findings = found(&VALID);
        assert_eq!(findings.violations(GuaranteeKind::Quorum), [""; 0]);
        assert_eq!((findings.writes, findings.tokens.len()), (4, 3));
        assert_eq!(findings.last, Some(VALID[5].parse().unwrap()));
    }

    // If the check found nothing, it would accept every bug. So each kind of violation is added to
    // a valid history, and the check must find it.
    #[test]
    fn each_violation_is_found() {
        for (bad, hint, quorum_only) in [
            ("wrote 3 2 90 106 0", "went back", false),
            ("wrote 1 3 71 106 0", "went back", false),
            ("wrote 4 1 90 106 0", "process 80 of node 2", true),
            ("wrote 4 2 81 106 0", "process 80 of node 2", true),
            ("overlaps 5 1 90 106 4", "two commands at once", true),
            ("rejected 1 3 71 106 4", "older than the one", true),
        ] {
            let findings = found(&[&VALID[..], &[bad]].concat());
            let violations = findings.violations(GuaranteeKind::Quorum).join("; ");
            assert!(violations.contains(hint), "{bad}: {violations}");
            let best_effort = findings.violations(GuaranteeKind::BestEffort);
            assert_eq!(best_effort.is_empty(), quorum_only, "{bad}");
        }
        let in_turns = ["wrote 4 2 81 106 0", "wrote 4 2 80 107 0"];
        let findings = found(&[&VALID[..], &in_turns].concat());
        assert!(findings.violations(GuaranteeKind::Quorum)[1].contains("in turns"));
    }

    // `Entry` must read the lines as the commands write them. Otherwise the checks would examine
    // other values than those that were written.
    #[test]
    fn a_line_is_read_as_it_was_written() {
        for line in VALID {
            assert_eq!(line.parse::<Entry>().unwrap().to_string(), line);
        }
        for line in [
            "",
            "wrote 1 2 3 4",
            "wrote 1 2 3 4 x",
            "wrote 1 2 3 4 5 6",
            "x 1 2 3 4 5",
        ] {
            assert!(line.parse::<Entry>().is_err(), "{line}");
        }
    }
}
