use std::os::fd::AsFd;

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use super::Guardian;

/// The source of an event for the guardian.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The channel to the node: a message has arrived, or the node has closed the channel.
    Node,
    /// The process of the node has ended.
    NodeProcess,
    Shim,
    /// The connection of the socket at this position in `NodeSockets::iter` has ended.
    Socket(usize),
    /// The timer, or a process of the command that has ended. The event loop updates the command
    /// after every event, so these sources need no code of their own.
    Command,
}

impl Guardian<'_> {
    /// Waits for the next events, and returns their sources.
    pub(super) fn wait(&self) -> Result<Vec<Source>, Errno> {
        let readable = |fd| PollFd::from_borrowed_fd(fd, PollFlags::IN);
        let closed = |fd| PollFd::from_borrowed_fd(fd, PollFlags::RDHUP);
        let mut events = vec![readable(self.timer.as_fd())];
        let mut sources = vec![Source::Command];
        if let Some(node) = self.node {
            events.push(readable(node));
            sources.push(Source::Node);
            events.push(readable(self.sockets.node_process()));
            sources.push(Source::NodeProcess);
        }
        if let Some(shim) = &self.shim {
            events.push(readable(shim.pidfd.as_fd()));
            sources.push(Source::Shim);
        }
        for (position, socket) in self.sockets.iter().enumerate() {
            events.push(closed(socket));
            sources.push(Source::Socket(position));
        }
        let command = self.command.iter();
        for pidfd in command.flat_map(|command| command.processes.pidfds()) {
            events.push(readable(pidfd));
            sources.push(Source::Command);
        }
        poll(&mut events, None)?;
        let happened = events.iter().zip(sources);
        let happened = happened.filter(|(event, _)| !event.revents().is_empty());
        Ok(happened.map(|(_, source)| source).collect())
    }
}
