use elector_core::{Command, NodeId};

/// One command of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Instruction<'a> {
    Config(&'a str),
    Nodes(Vec<NodeId>),
    Start(Vec<NodeId>),
    Elapse {
        node: NodeId,
        timer: Option<&'a str>,
    },
    Deliver(Selection<'a>),
    Drop(Selection<'a>),
    Duplicate(Selection<'a>),
    Crash(NodeId),
    Suspect {
        node: NodeId,
        peer: NodeId,
    },
    Prove {
        node: NodeId,
        dead: NodeId,
    },
    Return {
        node: NodeId,
        peer: NodeId,
    },
    Command {
        node: NodeId,
        command: Command,
    },
    Hold(Held, NodeId),
    Release(Held, NodeId),
    /// Makes the oldest held write of a node durable.
    ReleaseOneWrite(NodeId),
    Cut(Direction, NodeId, NodeId),
    Heal(Direction, NodeId, NodeId),
    HealAll,
    Views,
    Flying,
    Quiet(bool),
}

/// What a script can hold at a node. The held writes or timers wait until the script releases them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The writes of the durable state.
    Writes,
    /// The timers with a delay of zero.
    Timers,
}

/// The directions of a link that are cut or healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the first node to the second one.
    Forth,
    Both,
}

/// The messages in flight that a command selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection<'a> {
    All,
    Kind(&'a str),
    /// The oldest message from one node to another.
    Link {
        from: NodeId,
        to: NodeId,
        kind: Option<&'a str>,
    },
}

// words: allow, the commands of golden files.
const NAMES: &str = "config, nodes, start, elapse, deliver, drop, duplicate, crash, suspect, \
                     prove, hear, command, hold, release, cut, heal, views, flying, quiet";

impl<'a> Instruction<'a> {
    /// Parses the text behind the `>` of a command line.
    pub(super) fn parse(line: &'a str) -> Result<Self, String> {
        let Some(line) = line.strip_prefix(' ') else {
            return Err("a space is missing after `>`: write `> ` and the command".into());
        };
        let (name, rest) = split(line);
        let words: Vec<&str> = rest.split_whitespace().collect();
        let instruction = match name {
            "config" => Some(Self::Config(rest)),
            "nodes" if !words.is_empty() => Some(Self::Nodes(nodes(&words)?)),
            "start" => Some(Self::Start(nodes(&words)?)),
            "elapse" => elapse(rest)?,
            "deliver" => selection(&words)?.map(Self::Deliver),
            "drop" => selection(&words)?.map(Self::Drop),
            "duplicate" => selection(&words)?
                .filter(|selection| matches!(selection, Selection::Link { .. }))
                .map(Self::Duplicate),
            "crash" => one(&words)?.map(Self::Crash),
            "suspect" => pair(&words)?.map(|(node, peer)| Self::Suspect { node, peer }),
            "prove" => pair(&words)?.map(|(node, dead)| Self::Prove { node, dead }),
            "hear" => pair(&words)?.map(|(node, peer)| Self::Return { node, peer }),
            "command" => command(&words)?,
            "hold" => hold(&words, Instruction::Hold)?,
            "release" => match words[..] {
                ["write", id] => Some(Self::ReleaseOneWrite(node(id)?)),
                _ => hold(&words, Instruction::Release)?,
            },
            "cut" => link(&words, Instruction::Cut)?,
            "heal" if words == ["all"] => Some(Self::HealAll),
            "heal" => link(&words, Instruction::Heal)?,
            "views" if words.is_empty() => Some(Self::Views),
            "flying" if words.is_empty() => Some(Self::Flying),
            "quiet" => quiet(&words),
            _ => None,
        };
        instruction.ok_or_else(|| match usage(name) {
            Some(usage) => format!("`{line}` is not valid: write {usage}"),
            None => format!("`{name}` is not a command; the commands are {NAMES}"),
        })
    }
}

fn usage(name: &str) -> Option<&'static str> {
    Some(match name {
        "nodes" => "`nodes 1 2 3`",
        "elapse" => "`elapse 1` or `elapse 1 Timer`",
        "deliver" => "`deliver 1->2`, `deliver 1->2 Kind`, `deliver kind Kind` or `deliver all`",
        "drop" => "`drop 1->2`, `drop 1->2 Kind`, `drop kind Kind` or `drop all`",
        "duplicate" => "`duplicate 1->2` or `duplicate 1->2 Kind`",
        "crash" => "`crash 3`",
        "suspect" => "`suspect 2 1`: node 2 suspects that its connection to node 1 broke",
        "prove" => "`prove 2 1`: node 2 gets a proof that node 1 has died",
        "hear" => "`hear 2 1`: node 2 receives messages from node 1 again",
        "command" => "`command 1 campaign`, `command 1 resign` or `command 1 transfer 3`",
        "hold" => "`hold writes 2` or `hold timers 2`",
        "release" => "`release write 2`, `release writes 2` or `release timers 2`",
        "cut" => "`cut 1->2` or, for both directions, `cut 1<->2`",
        "heal" => "`heal 1->2`, `heal 1<->2` or `heal all`",
        "views" => "`views`",
        "flying" => "`flying`",
        "quiet" => "`quiet on` or `quiet off`",
        _ => return None,
    })
}

/// Splits the text into the first word and the rest.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(' ')
        .map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

fn node(word: &str) -> Result<NodeId, String> {
    word.parse()
        .map(NodeId)
        .map_err(|_| format!("`{word}` is not a node id: ids are whole numbers, for example `1`"))
}

fn nodes(words: &[&str]) -> Result<Vec<NodeId>, String> {
    words.iter().map(|word| node(word)).collect()
}

fn one(words: &[&str]) -> Result<Option<NodeId>, String> {
    match words {
        [id] => node(id).map(Some),
        _ => Ok(None),
    }
}

/// Parses the arguments of the command `elapse`. The `Debug` text of a timer may have spaces in it,
/// so the whole rest of the line after the node is the name of the timer.
fn elapse(rest: &str) -> Result<Option<Instruction<'_>>, String> {
    let (id, timer) = split(rest);
    if id.is_empty() {
        return Ok(None);
    }
    Ok(Some(Instruction::Elapse {
        node: node(id)?,
        timer: (!timer.is_empty()).then_some(timer),
    }))
}

fn selection<'a>(words: &[&'a str]) -> Result<Option<Selection<'a>>, String> {
    let (pair, kind) = match *words {
        ["all"] => return Ok(Some(Selection::All)),
        ["kind", kind] => return Ok(Some(Selection::Kind(kind))),
        [pair] => (pair, None),
        [pair, kind] => (pair, Some(kind)),
        _ => return Ok(None),
    };
    let Some((from, to)) = pair.split_once("->") else {
        return Ok(None);
    };
    let (from, to) = (node(from)?, node(to)?);
    Ok(Some(Selection::Link { from, to, kind }))
}

fn pair(words: &[&str]) -> Result<Option<(NodeId, NodeId)>, String> {
    match *words {
        [first, second] => Ok(Some((node(first)?, node(second)?))),
        _ => Ok(None),
    }
}

fn hold<'a>(
    words: &[&str],
    instruction: fn(Held, NodeId) -> Instruction<'a>,
) -> Result<Option<Instruction<'a>>, String> {
    let (what, id) = match *words {
        ["writes", id] => (Held::Writes, id),
        ["timers", id] => (Held::Timers, id),
        _ => return Ok(None),
    };
    Ok(Some(instruction(what, node(id)?)))
}

fn link<'a>(
    words: &[&str],
    instruction: fn(Direction, NodeId, NodeId) -> Instruction<'a>,
) -> Result<Option<Instruction<'a>>, String> {
    let [link] = *words else {
        return Ok(None);
    };
    let (direction, ends) = match (link.split_once("<->"), link.split_once("->")) {
        (Some(ends), _) => (Direction::Both, ends),
        (None, Some(ends)) => (Direction::Forth, ends),
        (None, None) => return Ok(None),
    };
    let (from, to) = (node(ends.0)?, node(ends.1)?);
    Ok((from != to).then(|| instruction(direction, from, to)))
}

fn command<'a>(words: &[&str]) -> Result<Option<Instruction<'a>>, String> {
    let (id, command) = match *words {
        [id, "campaign"] => (id, Command::Campaign),
        [id, "resign"] => (id, Command::Resign),
        [id, "transfer", to] => (id, Command::TransferTo(node(to)?)),
        _ => return Ok(None),
    };
    let node = node(id)?;
    Ok(Some(Instruction::Command { node, command }))
}

fn quiet<'a>(words: &[&str]) -> Option<Instruction<'a>> {
    match *words {
        ["on"] => Some(Instruction::Quiet(true)),
        ["off"] => Some(Instruction::Quiet(false)),
        _ => None,
    }
}
