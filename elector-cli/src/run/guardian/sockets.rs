use std::{
    mem,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{SendFlags, send},
};

/// How long to wait for the end of the node's process after its channel was closed. When a process
/// is killed, the kernel first closes its files, and reports the end of the process a little later.
const EXIT_TIMEOUT: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// The sockets of the node that the guardian keeps open, and the farewells. A farewell is a message
/// to a peer that proves that the node is dead.
#[derive(Debug)]
pub(super) struct NodeSockets {
    /// A pidfd of the node's process.
    node: OwnedFd,
    /// The connections on which the node sends to its peers, each with the farewell (proof of the
    /// node's death) that the guardian writes there.
    connections: Vec<(OwnedFd, Vec<u8>)>,
    /// Sockets that must not close before the command is dead.
    kept: Vec<OwnedFd>,
}

impl NodeSockets {
    pub(super) fn new(node: OwnedFd) -> Self {
        Self {
            node,
            connections: Vec::new(),
            kept: Vec::new(),
        }
    }

    pub(super) fn keep(&mut self, socket: Option<OwnedFd>) {
        self.kept.extend(socket);
    }

    pub(super) fn entrust(&mut self, connection: Option<OwnedFd>, farewell: Vec<u8>) {
        self.connections
            .extend(connection.map(|connection| (connection, farewell)));
    }

    pub(super) fn discard_farewells(&mut self) {
        self.connections.clear();
    }

    /// Returns a pidfd that is readable when the process of the node has ended.
    pub(super) fn node_process(&self) -> BorrowedFd<'_> {
        self.node.as_fd()
    }

    /// Returns all sockets. When the connection of a socket has ended, or the node has shut the
    /// socket down, the caller must [drop](Self::drop_where) the socket.
    pub(super) fn iter(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let connections = self.connections.iter().map(|(socket, _)| socket);
        connections.chain(&self.kept).map(AsFd::as_fd)
    }

    /// Drops the sockets for whose positions in [`iter`](Self::iter) `is_dropped` returns `true`.
    pub(super) fn drop_where(&mut self, is_dropped: impl Fn(usize) -> bool) {
        let mut positions = 0..;
        let mut stays = || !positions.next().is_some_and(&is_dropped);
        self.connections.retain(|_| stays());
        self.kept.retain(|_| stays());
    }

    /// Writes the farewells if the process of the node has ended or ends within a second, and
    /// closes the connections of the farewells. Call this method when no process of the command is
    /// left.
    pub(super) fn write_farewells(&mut self) {
        let connections = mem::take(&mut self.connections);
        if connections.is_empty() || !self.node_exits_within(&EXIT_TIMEOUT) {
            return;
        }
        for (connection, farewell) in &connections {
            // If a peer does not read, it gets no proof, and waits for the end of the lease.
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let _ = send(connection, farewell, flags);
        }
    }

    /// Returns `true` if the process of the node ends within this time. Returns `false` after an
    /// error, because an error does not prove that the process has ended.
    fn node_exits_within(&self, timeout: &Timespec) -> bool {
        let mut node = [PollFd::from_borrowed_fd(self.node.as_fd(), PollFlags::IN)];
        loop {
            match poll(&mut node, Some(timeout)) {
                Err(Errno::INTR) => {}
                Ok(1) => return node[0].revents().contains(PollFlags::IN),
                Ok(_) | Err(_) => return false,
            }
        }
    }
}
