//! What the commands of leaders have written, and what must hold of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// A line that a command has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) writer: Writer,
    /// On the clock of [`elector_core::actor::now`].
    pub(crate) at_ns: u64,
    /// A token, or a time: see [`Kind`].
    pub(crate) other: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It runs; `other` is 0.
    Began,
    /// The fence has let it write; `other` is 0.
    Wrote,
    /// The fence has seen `other`, a newer token, and did not let it.
    Refused,
    /// Another command holds what there is one of; `other` is that one's token.
    Overlaps,
    /// It has got it after all, `other` nanoseconds later.
    Waited,
}

/// A process that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Writer {
    pub(crate) token: u64,
    pub(crate) node: u64,
    pub(crate) pid: u64,
}

const KINDS: [(Kind, &str); 5] = [
    (Kind::Began, "began"),
    (Kind::Wrote, "wrote"),
    (Kind::Refused, "refused"),
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
        read().ok_or_else(|| format!("no line of a command: {line:?}"))
    }
}

/// What was found in a history.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) writes: u64,
    pub(crate) commands: u64,
    /// Each with the node and the process that it belongs to.
    pub(crate) tokens: BTreeMap<u64, (u64, u64)>,
    /// The last that was written.
    pub(crate) last: Option<Entry>,
    /// Under no algorithm may these be: they say that the fence leaks.
    pub(crate) leaks: Vec<String>,
    /// Two commands at once, and what only that can lead to. Not under a quorum.
    pub(crate) overlaps: Vec<String>,
    /// When each was written last.
    last_of: BTreeMap<u64, u64>,
    /// Writers that another came after.
    past: BTreeSet<Writer>,
}

impl Findings {
    /// Takes the next line, in the order of the file that it is in.
    pub(crate) fn take(&mut self, entry: Entry) {
        match entry.kind {
            Kind::Began => self.commands += 1,
            Kind::Wrote => self.wrote(entry),
            Kind::Refused => self.overlaps.push(format!(
                "a token is older than the one accepted before it: {entry}"
            )),
            Kind::Overlaps => {
                let last = self.last_of.get(&entry.other).copied().unwrap_or(0);
                let before = i128::from(entry.at_ns) - i128::from(last);
                self.overlaps.push(format!(
                    "two commands at once: {entry}; the other wrote last {before} ns before"
                ));
            }
            Kind::Waited => self.overlaps.push(format!("and for so long: {entry}")),
        }
    }

    /// What may not be under an algorithm that promises a quorum, or under one that does not.
    pub(crate) fn violations(&self, quorum: bool) -> Vec<&str> {
        let overlaps = self.overlaps.iter().filter(|_| quorum);
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
                "the token of process {pid} of node {node}: {entry}"
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
                    .push(format!("two wrote in turns: {last}, then {entry}"));
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
            findings.take(line.parse().unwrap());
        }
        findings
    }

    const SOUND: [&str; 6] = [
        "began 1 3 70 100 0",
        "wrote 1 3 70 101 0",
        "wrote 1 3 70 102 0",
        // Its command ended, and was started again, with a token of its own.
        "wrote 2 3 71 103 0",
        "began 4 2 80 104 0",
        "wrote 4 2 80 105 0",
    ];

    // A checker that complains of what is sound would be switched off.
    #[test]
    fn a_sound_history_has_no_violation() {
        let findings = found(&SOUND);
        assert_eq!(findings.violations(true), [""; 0]);
        assert_eq!((findings.writes, findings.tokens.len()), (4, 3));
        assert_eq!(findings.last, Some(SOUND[5].parse().unwrap()));
    }

    // A checker that has gone blind would pass any bug: each thing that must not be is put into a
    // sound history, and must be found.
    #[test]
    fn each_violation_is_found() {
        for (bad, told, quorum_only) in [
            ("wrote 3 2 90 106 0", "went back", false),
            ("wrote 1 3 71 106 0", "went back", false),
            ("wrote 4 1 90 106 0", "process 80 of node 2", true),
            ("wrote 4 2 81 106 0", "process 80 of node 2", true),
            ("overlaps 5 1 90 106 4", "two commands at once", true),
            ("refused 1 3 71 106 4", "older than the one", true),
        ] {
            let findings = found(&[&SOUND[..], &[bad]].concat());
            let violations = findings.violations(true).join("; ");
            assert!(violations.contains(told), "{bad}: {violations}");
            assert_eq!(findings.violations(false).is_empty(), quorum_only, "{bad}");
        }
        let in_turns = ["wrote 4 2 81 106 0", "wrote 4 2 80 107 0"];
        let findings = found(&[&SOUND[..], &in_turns].concat());
        assert!(findings.violations(true)[1].contains("in turns"));
    }

    // What the commands write is what is read.
    #[test]
    fn a_line_reads_back() {
        for line in SOUND {
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
