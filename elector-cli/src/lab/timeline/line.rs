use std::{collections::VecDeque, fmt};

use elector_core::NodeId;

use super::TimelineOptions;

/// The maximum time in nanoseconds (1 ms) for which a line waits for the same event at another
/// node, so that both events become one line.
const MAX_OPEN_NS: u64 = 1_000_000;

/// While routine messages are only counted, a pause of this length (20 ms) between two lines ends
/// the count, and writes it as a line. In a shorter pause the count continues, so that heartbeats
/// do not split the lines of an election.
const FOLD_END_NS: u64 = 20_000_000;

/// The maximum length of a list of nodes, in characters. A longer list is replaced by the number of
/// nodes.
const MAX_NAMES_CHARS: usize = 32;

/// One line of a timeline.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The moment of the event in nanoseconds. If the line has several events, this is the first of
    /// them.
    pub(super) at_ns: u64,
    /// The nodes at which the event occurred; empty if the event concerns the whole cluster.
    pub(super) who: Vec<NodeId>,
    /// The receivers, if the event is a message.
    pub(super) to: Vec<NodeId>,
    /// The description of the event.
    pub(super) text: String,
    /// The kind of the event, which decides the colour of the line.
    pub(super) tone: Tone,
}

/// The kind of the event in a line, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// A note of the host, or a command of the application.
    Note,
    /// A fault, a violation, or the beginning of a time in which two nodes lead or no node leads.
    Fault,
    /// A fault has ended, a time with no leader or with two leaders has ended, or a node has
    /// received a report about the failure or the return of a peer.
    Mend,
    /// A node leads.
    Lead,
    /// A node campaigns.
    Campaign,
    /// A message or a write was lost, or a node refused a command.
    Loss,
    /// An event of no other kind, for example a message of an election.
    Plain,
    /// An event that most readers skip: a durable write, a routine message, or the arrival of a
    /// message.
    Faint,
}

impl Tone {
    fn ansi(self) -> &'static str {
        match self {
            Self::Note => "\x1b[1;36m",
            Self::Fault => "\x1b[1;31m",
            Self::Mend => "\x1b[36m",
            Self::Lead => "\x1b[1;32m",
            Self::Campaign => "\x1b[33m",
            Self::Loss => "\x1b[31m",
            Self::Plain => "",
            Self::Faint => "\x1b[2m",
        }
    }
}

/// Writes lines, merges equal lines of several nodes, and counts routine messages instead of
/// writing lines for them.
#[derive(Debug)]
pub(super) struct Pen<'o, W> {
    out: &'o mut W,
    options: TimelineOptions,
    // The time in nanoseconds for which a line stays open, so that it can be merged with equal
    // lines. It is shorter than the time that a message takes, so that a line never merges a cause
    // with its effect.
    open_ns: u64,
    open: VecDeque<Line>,
    folded: Folded,
    last_ns: Option<u64>,
}

/// The numbers of routine messages that have no line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Folded {
    pub(super) sent: u64,
    pub(super) lost: u64,
}

impl<'o, W: fmt::Write> Pen<'o, W> {
    /// Creates a pen that writes to `out`. `hop_ns` is the time that a message usually takes, in
    /// nanoseconds.
    pub(super) fn new(out: &'o mut W, options: TimelineOptions, hop_ns: u64) -> Self {
        Self {
            out,
            options,
            open_ns: (hop_ns / 3).min(MAX_OPEN_NS),
            open: VecDeque::new(),
            folded: Folded::default(),
            last_ns: None,
        }
    }

    pub(super) fn options(&self) -> TimelineOptions {
        self.options
    }

    /// Adds a line. The caller must add lines in the order of time.
    pub(super) fn line(&mut self, line: Line) -> fmt::Result {
        if !self.shows(line.at_ns) {
            return Ok(());
        }
        self.write_before(line.at_ns)?;
        if !self.open.iter_mut().any(|open| merge(open, &line)) {
            self.open.push_back(line);
        }
        Ok(())
    }

    /// Counts a routine message, or its loss, instead of writing a line. `count` selects the number
    /// to increase.
    pub(super) fn fold(&mut self, at_ns: u64, count: fn(&mut Folded) -> &mut u64) -> fmt::Result {
        if self.shows(at_ns) {
            self.write_before(at_ns)?;
            *count(&mut self.folded) += 1;
        }
        Ok(())
    }

    /// Writes all lines that are still open (more events could have been merged into them), and the
    /// last count of routine messages.
    pub(super) fn finish(mut self) -> fmt::Result {
        while !self.open.is_empty() {
            self.write_first()?;
        }
        self.write_folded()
    }

    fn shows(&self, at_ns: u64) -> bool {
        let window = self.options.window;
        window.is_none_or(|(start_ns, end_ns)| (start_ns..=end_ns).contains(&at_ns))
    }

    fn write_before(&mut self, at_ns: u64) -> fmt::Result {
        while let Some(first) = self.open.front()
            && first.at_ns.saturating_add(self.open_ns) < at_ns
        {
            self.write_first()?;
        }
        Ok(())
    }

    fn write_first(&mut self) -> fmt::Result {
        let Some(line) = self.open.pop_front() else {
            return Ok(());
        };
        let quiet_ns = line.at_ns.saturating_sub(self.last_ns.unwrap_or(0));
        if quiet_ns >= FOLD_END_NS {
            self.write_folded()?;
        }
        self.last_ns = Some(line.at_ns);
        let mut what = String::new();
        if !line.to.is_empty() {
            what = format!("→ {}  ", names(&line.to));
        }
        what += &agreeing(&line.text, line.who.len());
        self.write(Some(line.at_ns), &names(&line.who), &what, line.tone)
    }

    fn write_folded(&mut self) -> fmt::Result {
        let Folded { sent, lost } = std::mem::take(&mut self.folded);
        if sent + lost == 0 {
            return Ok(());
        }
        let lost = match lost {
            0 => String::new(),
            lost => format!(", {lost} lost"),
        };
        let what = format!("{sent} heartbeats and acks sent{lost}");
        self.write(None, "…", &what, Tone::Faint)
    }

    fn write(&mut self, at_ns: Option<u64>, who: &str, what: &str, tone: Tone) -> fmt::Result {
        let time = at_ns.map_or(String::new(), millis);
        let line = format!("{time:>12}  {who:<8}  {what}");
        let line = self.shortened(line.trim_end());
        if self.options.color && !tone.ansi().is_empty() {
            return writeln!(self.out, "{}{line}\x1b[0m", tone.ansi());
        }
        writeln!(self.out, "{line}")
    }

    fn shortened(&self, line: &str) -> String {
        let width = self.options.width;
        // A text of a trace may contain a line break, which must not begin a new line of the
        // timeline.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        if width == 0 || line.chars().count() <= width {
            return line.chars().map(plain).collect();
        }
        let kept = line.chars().take(width.saturating_sub(1)).map(plain);
        kept.chain(['…']).collect()
    }
}

/// Returns the text with its first verb in the singular or in the plural, for `count` subjects.
fn agreeing(text: &str, count: usize) -> String {
    let verbs = [
        ("follows ", "follow "),
        ("campaigns ", "campaign "),
        ("knows ", "know "),
        ("enters ", "enter "),
        ("writes ", "write "),
        ("leads ", "lead "),
        ("suspects ", "suspect "),
        ("receives ", "receive "),
    ];
    let plural = verbs
        .iter()
        .filter(|_| count > 1)
        .find_map(|(one, many)| Some((*many).to_owned() + text.strip_prefix(one)?));
    plural.unwrap_or_else(|| text.to_owned())
}

/// Merges `line` into an open line that has the same event at another node, or the same message to
/// another receiver. Returns `true` if it has merged the lines.
fn merge(open: &mut Line, line: &Line) -> bool {
    if open.text != line.text || open.tone != line.tone || line.who.is_empty() {
        return false;
    }
    if open.who == line.who && open.at_ns == line.at_ns && open.to.len() + line.to.len() > 1 {
        open.to.extend(&line.to);
        return true;
    }
    let new = line.who.iter().all(|who| !open.who.contains(who));
    if open.to == line.to && new {
        open.who.extend(&line.who);
        return true;
    }
    false
}

/// Formats nanoseconds as milliseconds with three decimals.
pub(crate) fn millis(ns: u64) -> String {
    format!("{}.{:03}", ns / 1_000_000, ns / 1_000 % 1_000)
}

/// Returns the names of nodes in the order of their ids. Three or more consecutive ids become a
/// range.
fn names(nodes: &[NodeId]) -> String {
    let mut sorted = nodes.to_vec();
    sorted.sort_unstable();
    let runs = sorted.chunk_by(|a, b| b.0 - a.0 <= 1);
    let names = runs.map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("{first:?}–{last:?}"),
        _ => {
            let names: Vec<String> = run.iter().map(|node| format!("{node:?}")).collect();
            names.join(" ")
        }
    });
    let names = names.collect::<Vec<_>>().join(" ");
    if names.chars().count() > MAX_NAMES_CHARS {
        return format!("{} nodes", nodes.len());
    }
    names
}
