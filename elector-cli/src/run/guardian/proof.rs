use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{SendFlags, send},
};

/// How long the end of the node's process is waited for when its end of the line is closed: the
/// kernel closes the files of a process that dies, and says a little later that it has ended.
const SOON: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// What proves to the peers of a node that this node is dead, and when it may be given.
#[derive(Debug)]
pub(super) struct Proof {
    /// A pidfd of the node.
    node: OwnedFd,
    /// The connections on which the node speaks to its peers, and what is to be written there.
    connections: Vec<(OwnedFd, Vec<u8>)>,
}

impl Proof {
    pub(super) fn of(node: OwnedFd) -> Self {
        Self {
            node,
            connections: Vec::new(),
        }
    }

    pub(super) fn entrust(&mut self, connection: OwnedFd, farewell: Vec<u8>) {
        self.connections.push((connection, farewell));
    }

    /// Nothing will be proved.
    pub(super) fn dismiss(&mut self) {
        self.connections.clear();
    }

    /// Readable when the process of the node has ended.
    pub(super) fn node(&self) -> BorrowedFd<'_> {
        self.node.as_fd()
    }

    /// These break when they have ended, or the node shut them down.
    pub(super) fn connections(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.connections.iter().map(|(fd, _)| fd.as_fd())
    }

    /// Lets go of the connections at these places.
    pub(super) fn let_go(&mut self, ended: impl Fn(usize) -> bool) {
        let mut place = 0;
        self.connections.retain(|_| {
            place += 1;
            !ended(place - 1)
        });
    }

    /// Whether the process of the node has ended. An error is no sign of that.
    fn node_is_dead(&self, limit: &Timespec) -> bool {
        let mut node = [PollFd::from_borrowed_fd(self.node(), PollFlags::IN)];
        loop {
            match poll(&mut node, Some(limit)) {
                Err(Errno::INTR) => {}
                Ok(1) => return node[0].revents().contains(PollFlags::IN),
                Ok(_) | Err(_) => return false,
            }
        }
    }

    /// Gives it, if the process of the node has ended or ends soon; to be called when no process of
    /// the command is left.
    pub(super) fn give(self) {
        if self.connections.is_empty() || !self.node_is_dead(&SOON) {
            return;
        }
        for (connection, farewell) in &self.connections {
            // A peer that does not read waits for the end of the lease.
            let at_once = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let _ = send(connection, farewell, at_once);
        }
    }
}
