use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustix::net::{Shutdown, shutdown};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::farewell::{Ended, Tail};

/// A TCP connection, below TLS. If a read finds a farewell, the bytes by which a watcher reports
/// that the peer's process has ended, the read fails with [`Ended`]. The bytes just before the
/// farewell are then lost. This is allowed, because every message of a dead process may be lost.
///
/// Dropping a socket shuts the connection down. Without the shutdown, the copy of the descriptor
/// that this node's watcher may have would keep the connection open.
#[derive(Debug)]
pub(crate) struct Socket {
    tcp: TcpStream,
    tail: Tail,
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream) -> Self {
        let tail = Tail::new();
        Self { tcp, tail }
    }

    /// Moves the connection to the runtime of the caller. Without this call, all data that arrives
    /// would wake the thread of the runtime in which the connection was created.
    pub(crate) fn move_here(&mut self) -> io::Result<()> {
        let copy = self.tcp.as_fd().try_clone_to_owned()?;
        self.tcp = TcpStream::from_std(copy.into())?;
        Ok(())
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // The call fails only if the connection has already ended.
        let _ = shutdown(&self.tcp, Shutdown::Both);
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.tcp.as_fd()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { tcp, tail } = self.get_mut();
        let before = into.filled().len();
        ready!(Pin::new(tcp).poll_read(cx, into))?;
        match tail.push(&into.filled()[before..]) {
            Some(farewell) => Poll::Ready(Err(Ended(farewell).into())),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
