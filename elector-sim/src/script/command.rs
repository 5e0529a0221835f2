use elector_core::{Command, NodeId};

/// One command of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order<'a> {
    Config(&'a str),
    Nodes(Vec<NodeId>),
    Start(Vec<NodeId>),
    Elapse {
        node: NodeId,
        timer: Option<&'a str>,
    },
    Deliver(Choice<'a>),
    Drop(Choice<'a>),
    Duplicate(Choice<'a>),
    Crash(NodeId),
    Suspect {
        node: NodeId,
        peer: NodeId,
    },
    Prove {
        node: NodeId,
        dead: NodeId,
    },
    Hear {
        node: NodeId,
        peer: NodeId,
    },
    Command {
        node: NodeId,
        command: Command,
    },
    Views,
    Flying,
    Quiet(bool),
}

/// Which messages in flight a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    All,
    Kind(&'a str),
    /// The oldest from one node to another.
    Link {
        from: NodeId,
        to: NodeId,
        kind: Option<&'a str>,
    },
}

const NAMES: &str = "config, nodes, start, elapse, deliver, drop, duplicate, crash, suspect, \
                     prove, hear, command, views, flying, quiet";

impl<'a> Order<'a> {
    /// Reads what follows the `>` of a command line.
    pub(super) fn parse(line: &'a str) -> Result<Self, String> {
        let Some(line) = line.strip_prefix(' ') else {
            return Err("a command is `> ` and its words: a space is missing".into());
        };
        let (name, rest) = split(line);
        let words: Vec<&str> = rest.split_whitespace().collect();
        let order = match name {
            "config" => Some(Self::Config(rest)),
            "nodes" if !words.is_empty() => Some(Self::Nodes(nodes(&words)?)),
            "start" => Some(Self::Start(nodes(&words)?)),
            "elapse" => elapse(rest)?,
            "deliver" => choice(&words)?.map(Self::Deliver),
            "drop" => choice(&words)?.map(Self::Drop),
            "duplicate" => choice(&words)?
                .filter(|choice| matches!(choice, Choice::Link { .. }))
                .map(Self::Duplicate),
            "crash" => one(&words)?.map(Self::Crash),
            "suspect" => pair(&words)?.map(|(node, peer)| Self::Suspect { node, peer }),
            "prove" => pair(&words)?.map(|(node, dead)| Self::Prove { node, dead }),
            "hear" => pair(&words)?.map(|(node, peer)| Self::Hear { node, peer }),
            "command" => command(&words)?,
            "views" if words.is_empty() => Some(Self::Views),
            "flying" if words.is_empty() => Some(Self::Flying),
            "quiet" => quiet(&words),
            _ => None,
        };
        order.ok_or_else(|| match usage(name) {
            Some(usage) => format!("`{line}` is not understood: write {usage}"),
            None => format!("`{name}` is no command; there are {NAMES}"),
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
        "suspect" => "`suspect 2 1`: node 2 is told that its connection to 1 broke",
        "prove" => "`prove 2 1`: node 2 is told that 1 has died",
        "hear" => "`hear 2 1`: node 2 is told that 1 is heard again",
        "command" => "`command 1 campaign`, `command 1 resign` or `command 1 transfer 3`",
        "views" => "`views`",
        "flying" => "`flying`",
        "quiet" => "`quiet on` or `quiet off`",
        _ => return None,
    })
}

/// The first word, and what follows it.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(' ')
        .map_or((text, ""), |(first, rest)| (first, rest.trim_start()))
}

fn node(word: &str) -> Result<NodeId, String> {
    word.parse()
        .map(NodeId)
        .map_err(|_| format!("`{word}` is no node id: ids are whole numbers, as in `1`"))
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

/// A timer's `Debug` text may have spaces in it, so all the rest of the line is its name.
fn elapse(rest: &str) -> Result<Option<Order<'_>>, String> {
    let (id, timer) = split(rest);
    if id.is_empty() {
        return Ok(None);
    }
    Ok(Some(Order::Elapse {
        node: node(id)?,
        timer: (!timer.is_empty()).then_some(timer),
    }))
}

fn choice<'a>(words: &[&'a str]) -> Result<Option<Choice<'a>>, String> {
    let (pair, kind) = match *words {
        ["all"] => return Ok(Some(Choice::All)),
        ["kind", kind] => return Ok(Some(Choice::Kind(kind))),
        [pair] => (pair, None),
        [pair, kind] => (pair, Some(kind)),
        _ => return Ok(None),
    };
    let Some((from, to)) = pair.split_once("->") else {
        return Ok(None);
    };
    let (from, to) = (node(from)?, node(to)?);
    Ok(Some(Choice::Link { from, to, kind }))
}

fn pair(words: &[&str]) -> Result<Option<(NodeId, NodeId)>, String> {
    match *words {
        [first, second] => Ok(Some((node(first)?, node(second)?))),
        _ => Ok(None),
    }
}

fn command<'a>(words: &[&str]) -> Result<Option<Order<'a>>, String> {
    let (id, command) = match *words {
        [id, "campaign"] => (id, Command::Campaign),
        [id, "resign"] => (id, Command::Resign),
        [id, "transfer", to] => (id, Command::TransferTo(node(to)?)),
        _ => return Ok(None),
    };
    let node = node(id)?;
    Ok(Some(Order::Command { node, command }))
}

fn quiet<'a>(words: &[&str]) -> Option<Order<'a>> {
    match *words {
        ["on"] => Some(Order::Quiet(true)),
        ["off"] => Some(Order::Quiet(false)),
        _ => None,
    }
}
