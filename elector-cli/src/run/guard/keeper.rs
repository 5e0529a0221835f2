use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    sync::Weak,
};

use tokio::net::UnixStream;

use crate::run::channel::{self, Order};

/// Lets the guardian keep sockets open until the command is dead, whatever becomes of the node.
///
/// When a process is killed, the kernel closes its sockets, peers see the connections break, and
/// may elect another leader at once; the guardian is told by the same means, and needs some tens
/// of microseconds to kill the command. A socket that it keeps, too, breaks only after that.
///
/// A kept socket does not end when the node drops it: the node must shut it down
/// (`shutdown(2)`) before. The guardian lets go of it when the connection has ended.
#[derive(Clone, Debug)]
pub struct Keeper(pub(super) Weak<UnixStream>);

impl Keeper {
    /// Lets the guardian keep this socket, a connected stream. Never waits.
    ///
    /// # Errors
    /// If the guardian is gone, or has more to read than fits.
    pub fn keep(&self, socket: impl AsFd) -> io::Result<()> {
        self.tell(&Order::Keep, Some(socket.as_fd()))
    }

    /// Lets the guardian keep this connection to a peer, and write the farewell there when the
    /// process of the node has ended and no process of the command that it knows of is left. Never
    /// waits.
    ///
    /// # Errors
    /// As [`keep`](Self::keep).
    pub fn entrust(&self, farewell: &[u8], connection: impl AsFd) -> io::Result<()> {
        let farewell = farewell.to_vec();
        self.tell(&Order::Entrust { farewell }, Some(connection.as_fd()))
    }

    fn tell(&self, order: &Order, socket: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let line = self.0.upgrade().ok_or(io::ErrorKind::BrokenPipe)?;
        channel::send(&line, order, socket)
    }
}
