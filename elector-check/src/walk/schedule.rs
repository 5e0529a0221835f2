use std::{fmt, str::FromStr};

use elector_core::{Command, MembersChange, NodeId};
use thiserror::Error;

use crate::{
    action::position,
    walk::event::{Event, Line, MessageId},
};

/// The events of a random walk in their order, one on each line. The printed text of a schedule can
/// be parsed again.
///
/// | line | meaning |
/// |---|---|
/// | `wait 1.5 ms` | true time passes |
/// | `n1 restarts` | the process starts from the state on its disk, also at the first boot |
/// | `n1 crashes` | the process ends; the disk keeps all writes that have ended |
/// | `n1 elapses Vigil` | a timer that runs and is due elapses |
/// | `n2 receives 7` | a message that line 7 sent to n2 arrives; `7#2` is the second of them |
/// | `n1 writes` | the oldest write that has not ended becomes durable |
/// | `n1 clock 0.950` | the clock of n1 runs at this rate from now on |
/// | `n1 suspects n2` | the node suspects that its connection to n2 broke |
/// | `n1 hears n2 again` | the node receives messages from n2 again, and drops its suspicion |
/// | `n1 learns of the death of n2` | the node gets a proof that the process of n2 has ended |
/// | `n1 campaigns`, `n1 resigns`, `n1 transfers to n2` | the application gives a command |
///
/// A line may begin with its number, for example `12.`. By this number, a later line names a
/// message that this line sent. Text after a semicolon is a comment. A message may arrive several
/// times. A message that never arrives is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub(crate) lines: Vec<Line<String>>,
    /// The comments on the lines: either one for each line, or an empty list.
    pub(crate) notes: Vec<String>,
}

/// Why a text is not a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct ScheduleError {
    /// The line of the text, from 1.
    pub line: usize,
    /// What is wrong, and what to write instead.
    pub reason: String,
}

impl Schedule {
    /// Returns the number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Returns `true` if there are no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.lines.iter().map(|it| it.event.to_string()).collect();
        let widest = texts.iter().map(String::len).max().unwrap_or(0);
        for (place, (line, text)) in self.lines.iter().zip(&texts).enumerate() {
            let number = line.number;
            match self.notes.get(place).filter(|note| !note.is_empty()) {
                Some(note) => writeln!(f, "{number:>3}. {text:<widest$}  ; {note}")?,
                None => writeln!(f, "{number:>3}. {text}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let mut lines: Vec<Line<String>> = Vec::new();
        for (place, text) in text.lines().enumerate() {
            let text = text.split(';').next().unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let error = |reason: String| ScheduleError {
                line: place + 1,
                reason,
            };
            let last = lines.last().map_or(0, |line| line.number);
            let (number, words) = numbered(text, last.saturating_add(1));
            if number <= last {
                return Err(error(format!(
                    "number {number} follows {last}: numbers must ascend"
                )));
            }
            let event = event(words).ok_or_else(|| {
                error(format!(
                    "\"{words}\" is not an event: write \"wait 1.5 ms\", \"n1 elapses Vigil\", \
                     \"n2 receives 7\", \"n1 writes\", \"n1 crashes\", \"n1 restarts\", \
                     \"n1 transfers to n2\""
                ))
            })?;
            lines.push(Line { number, event });
        }
        Ok(Self {
            lines,
            notes: Vec::new(),
        })
    }
}

/// Returns the number at the beginning of a line, and the rest of the line. If the line has no
/// number, returns `next` and the whole line.
fn numbered(text: &str, next: u32) -> (u32, &str) {
    let parted = text.split_once('.');
    match parted.and_then(|(number, rest)| Some((number.parse().ok()?, rest))) {
        Some((number, rest)) => (number, rest.trim()),
        None => (next, text),
    }
}

fn event(text: &str) -> Option<Event<String>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let ["wait", millis, "ms"] = words[..] {
        return millis.parse().ok().and_then(wait);
    }
    let (first, rest) = words.split_first()?;
    let node = node(first)?;
    Some(match *rest {
        ["restarts"] => Event::Restarted { node },
        ["crashes"] => Event::Crashed { node },
        ["writes"] => Event::Written { node },
        ["campaigns"] => command(node, Command::Campaign),
        ["resigns"] => command(node, Command::Resign),
        ["changes", "the", "members", "to", ref goal @ ..] => {
            let goal = goal.iter().map(|node| peer_id(node));
            let change = MembersChange::to(goal.collect::<Option<_>>()?);
            command(node, Command::ChangeMembers(change))
        }
        ["proposes", request] => command(node, Command::Propose(request.parse().ok()?)),
        ["transfers", "to", peer] => command(node, Command::TransferTo(peer_id(peer)?)),
        ["suspects", peer] => Event::Suspected {
            node,
            peer: peer_id(peer)?,
        },
        ["hears", peer, "again"] => Event::Returned {
            node,
            peer: peer_id(peer)?,
        },
        ["learns", "of", "the", "death", "of", peer] => Event::Died {
            node,
            peer: peer_id(peer)?,
        },
        ["clock", rate] => Event::Clock {
            node,
            permille: permille(rate)?,
        },
        ["receives", message] => received(node, message)?,
        ["elapses", ..] => Event::Elapsed {
            node,
            timer: text.split_once("elapses")?.1.trim().to_owned(),
        },
        _ => return None,
    })
}

fn command(node: usize, command: Command) -> Event<String> {
    Event::Commanded { node, command }
}

fn wait(millis: f64) -> Option<Event<String>> {
    const DAY: f64 = 86_400_000.0;
    let sane = (0.0..=DAY).contains(&millis);
    sane.then(|| Event::Wait((millis * 1e6).round() as u64))
}

fn permille(rate: &str) -> Option<u64> {
    let rate: f64 = rate.parse().ok()?;
    let sane = (0.01..=100.0).contains(&rate);
    sane.then(|| (rate * 1e3).round() as u64)
}

fn received(node: usize, message: &str) -> Option<Event<String>> {
    let (line, nth) = message.split_once('#').unwrap_or((message, "1"));
    let message = MessageId {
        line: line.parse().ok()?,
        nth: nth.parse().ok()?,
    };
    Some(Event::Received { node, message })
}

fn peer_id(word: &str) -> Option<NodeId> {
    let id: u64 = word.strip_prefix('n')?.parse().ok()?;
    (id > 0).then_some(NodeId(id))
}

fn node(word: &str) -> Option<usize> {
    peer_id(word).map(position)
}

#[cfg(test)]
mod tests {
    use super::*;

    // words: allow, the text of a schedule.
    const ALL: &str = "  1. n1 restarts  ; boot\n\
        n2 restarts\n\
        wait 150.25 ms\n\
        n1 elapses Vigil\n\
        n1 writes\n\
        n2 receives 4\n\
        n2 receives 4#2\n\
        n1 clock 0.950\n\
        n2 crashes\n\
        n1 suspects n2\n\
        n1 hears n2 again\n\
        n1 learns of the death of n2\n\
        n1 campaigns\n\
        n1 resigns\n\
        20. n1 transfers to n2\n";

    // Users paste a printed schedule into a test, so the text must parse to the same schedule.
    #[test]
    fn a_printed_schedule_parses_to_the_same_schedule() {
        let schedule: Schedule = ALL.parse().unwrap();
        assert_eq!(schedule.len(), 15);
        let printed = schedule.to_string();
        assert!(printed.contains(" 20. n1 transfers to n2"), "{printed}");
        assert_eq!(printed.parse::<Schedule>().unwrap(), schedule);
    }

    // Users edit schedules by hand. A mistake must be reported with its line, and must not be
    // ignored.
    #[test]
    fn lines_that_are_not_events_are_rejected() {
        let mistakes = [
            "n0 crashes",
            "x crashes",
            "n1 explodes",
            "wait 5 s",
            "wait -1 ms",
            "n1 clock 1000",
            "n2 receives #1",
            "n2 receives 1.5",
        ];
        for mistake in mistakes {
            let text = format!("n1 restarts\n\n{mistake}");
            let error = text.parse::<Schedule>().unwrap_err();
            assert_eq!(error.line, 3, "{mistake}");
        }
        let text = format!("{}. n1 restarts\nn1 crashes", u32::MAX);
        assert!(text.parse::<Schedule>().is_err(), "there is no number left");
        let error = "5. n1 restarts\n5. n1 crashes".parse::<Schedule>();
        assert_eq!(
            error.unwrap_err().reason,
            "number 5 follows 5: numbers must ascend"
        );
    }
}
