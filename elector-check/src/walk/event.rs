use std::fmt;

use elector_core::{Command, NodeId};

use crate::action::id;

/// One event of a random walk. `node` is the position of the node at which the event occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event<T> {
    /// True time passes, in nanoseconds.
    Wait(u64),
    /// A timer that runs and is due elapses.
    Elapsed { node: usize, timer: T },
    /// A message arrives. It may arrive any number of times.
    Received { node: usize, message: MessageId },
    /// The oldest write of the node that has not ended becomes durable.
    Written { node: usize },
    /// The process of the node ends. The disk keeps what was written.
    Crashed { node: usize },
    /// The process of the node starts from the state on its disk.
    Restarted { node: usize },
    /// From now on the clock of the node runs at this rate, in thousandths of the true rate.
    Clock { node: usize, permille: u64 },
    /// The node suspects a peer, because the connection to the peer broke.
    Suspected { node: usize, peer: NodeId },
    /// The node receives messages from a peer again.
    Returned { node: usize, peer: NodeId },
    /// The node gets a proof that the process of a peer has ended.
    Died { node: usize, peer: NodeId },
    /// The application gives a command.
    Commanded { node: usize, command: Command },
}

/// The name of a message. It consists of the number of the line in the schedule (the list of all
/// events of the walk) whose step sent the message, and of a number within this step. So the name
/// stays the same when other lines of the schedule are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageId {
    /// The number of the line of the schedule whose step sent the message.
    pub(crate) line: u32,
    /// The number of the message among the messages that this step sent to the same receiver. The
    /// first one has the number 1.
    pub(crate) nth: u16,
}

/// An event with the number of its line in a [`Schedule`](crate::Schedule). The numbers ascend and
/// may have gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line<T> {
    pub(crate) number: u32,
    pub(crate) event: Event<T>,
}

impl<T> Event<T> {
    /// Returns the same event with `timer` in place of its timer. Returns `None` if the event needs
    /// a timer and `timer` is `None`.
    pub(crate) fn with_timer<U>(&self, timer: Option<U>) -> Option<Event<U>> {
        Some(match *self {
            Self::Commanded { node, ref command } => Event::Commanded {
                node,
                command: command.clone(),
            },
            Self::Wait(nanos) => Event::Wait(nanos),
            Self::Elapsed { node, .. } => Event::Elapsed {
                node,
                timer: timer?,
            },
            Self::Received { node, message } => Event::Received { node, message },
            Self::Written { node } => Event::Written { node },
            Self::Crashed { node } => Event::Crashed { node },
            Self::Restarted { node } => Event::Restarted { node },
            Self::Clock { node, permille } => Event::Clock { node, permille },
            Self::Suspected { node, peer } => Event::Suspected { node, peer },
            Self::Returned { node, peer } => Event::Returned { node, peer },
            Self::Died { node, peer } => Event::Died { node, peer },
        })
    }

    /// Returns the timer that elapses, if this event is a timer that elapses.
    pub(crate) fn timer(&self) -> Option<&T> {
        match self {
            Self::Elapsed { timer, .. } => Some(timer),
            _ => None,
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.line)?;
        if self.nth > 1 {
            write!(f, "#{}", self.nth)?;
        }
        Ok(())
    }
}

impl<T: fmt::Display> fmt::Display for Event<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait(nanos) => write!(f, "wait {}", Millis(*nanos)),
            Self::Elapsed { node, timer } => write!(f, "{:?} elapses {timer}", id(*node)),
            Self::Received { node, message } => {
                write!(f, "{:?} receives {message}", id(*node))
            }
            Self::Written { node } => write!(f, "{:?} writes", id(*node)),
            Self::Crashed { node } => write!(f, "{:?} crashes", id(*node)),
            Self::Restarted { node } => write!(f, "{:?} restarts", id(*node)),
            Self::Clock { node, permille } => {
                let (whole, rest) = (permille / 1000, permille % 1000);
                write!(f, "{:?} clock {whole}.{rest:03}", id(*node))
            }
            Self::Suspected { node, peer } => write!(f, "{:?} suspects {peer:?}", id(*node)),
            // words: allow, a line of schedules.
            Self::Returned { node, peer } => write!(f, "{:?} hears {peer:?} again", id(*node)),
            Self::Died { node, peer } => {
                write!(f, "{:?} learns of the death of {peer:?}", id(*node))
            }
            Self::Commanded { node, command } => match command {
                Command::Campaign => write!(f, "{:?} campaigns", id(*node)),
                Command::Resign => write!(f, "{:?} resigns", id(*node)),
                Command::TransferTo(peer) => {
                    write!(f, "{:?} transfers to {peer:?}", id(*node))
                }
                Command::Propose(request) => write!(f, "{:?} proposes {request}", id(*node)),
                Command::ChangeMembers(change) => {
                    write!(f, "{:?} changes the members to", id(*node))?;
                    change
                        .goal
                        .iter()
                        .try_for_each(|node| write!(f, " {node:?}"))
                }
            },
        }
    }
}

/// Nanoseconds that are printed as milliseconds, without trailing zeros.
struct Millis(u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if rest == 0 {
            return write!(f, "{whole} ms");
        }
        let digits = format!("{rest:06}");
        write!(f, "{whole}.{} ms", digits.trim_end_matches('0'))
    }
}
