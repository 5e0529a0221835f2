use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use elector_core::Moment;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Ended, Why, guardian::schedule::Terms};

/// What a node tells its guardian.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// The first one. Comes with a pidfd of the node.
    Begin(Terms),
    /// The process in waiting is being told to become the command. It may become it before this is
    /// read, but not if this was not sent.
    Start {
        run: u64,
        pid: i32,
        deadline: Option<Moment>,
    },
    /// The lease ends later. Sent at this time.
    Prolong {
        run: u64,
        deadline: Moment,
        sent: Moment,
    },
    /// Stop the command.
    Stop { run: u64, why: Why },
    /// The node sends no signal to this process or its group any more: its id may be used again.
    LetGo { pid: i32 },
    /// Keep the socket that comes with it open for as long as the command lives.
    Keep,
    /// Keep the connection that comes with it, and write this there when node and command are dead.
    Entrust { farewell: Vec<u8> },
    /// The node needs its guardian no more: nothing is to be written.
    Dismiss,
}

/// What a guardian tells its node. Runs of the command are numbered by the node.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// This process waits for the word to become the command, on the line that comes with it. It
    /// leads its process group.
    Ready { pid: i32 },
    /// The command has ended.
    Ended { run: u64, ended: Ended },
    /// The guardian cannot go on.
    Failed(String),
}

/// The longest message, in bytes.
const LONGEST: usize = 4096;

/// A pair of connected sockets whose messages arrive whole or not at all, so that neither side can
/// be left with half a message by one that vanishes.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let pair = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    );
    Ok(pair?)
}

/// Sends one message, and a file along with it. Never waits.
///
/// # Errors
/// If there is no room for it, or the other side is gone.
pub(super) fn send<T: Serialize>(
    socket: impl AsFd,
    message: &T,
    file: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > LONGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "too long a message",
        ));
    }
    let files = file.as_slice();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() {
        // There is room for just that.
        control.push(SendAncillaryMessage::ScmRights(files));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, flags)?;
    Ok(())
}

/// Receives one message, and the file that came with it; `None` when the other side is gone.
///
/// # Errors
/// If there is none yet and the socket does not wait; if it is none of ours.
pub(super) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut bytes = [0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match recvmsg(&socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received.bytes,
            // It is gone, and had not read everything; but what it had said is still to be heard.
            // The kernel says so once.
            Err(Errno::CONNRESET) => {}
            Err(error) => return Err(error.into()),
        }
    };
    if length == 0 {
        return Ok(None);
    }
    let mut file = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(files) = message {
            file = files.last();
        }
    }
    let message = serde_json::from_slice(bytes.get(..length).unwrap_or_default())?;
    Ok(Some((message, file)))
}

/// Whether there is something to receive, if only the end.
pub(super) fn has_come(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut socket = [PollFd::from_borrowed_fd(socket, PollFlags::IN)];
    Ok(poll(&mut socket, Some(&Timespec::default()))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The guardian must not take noise for orders, nor wait for the rest of one: whatever comes is
    // a message, an error, or the end.
    #[test]
    fn a_message_is_whole_or_an_error() {
        let (here, there) = pair().unwrap();
        let prolong = Order::Prolong {
            run: 7,
            deadline: Moment::from_nanos(u64::MAX),
            sent: Moment::ZERO,
        };
        send(&here, &prolong, Some(here.as_fd())).unwrap();
        let (order, file) = receive::<Order>(&there).unwrap().unwrap();
        assert!(
            matches!(order, Order::Prolong { run: 7, deadline, .. } if deadline.nanos() == u64::MAX)
        );
        assert!(file.is_some());

        for noise in [
            &b"{"[..],
            b"\xff\0",
            b"{\"Begin\":{}}",
            &[b'['; LONGEST + 1],
        ] {
            rustix::net::send(&here, noise, SendFlags::DONTWAIT).unwrap();
            assert!(receive::<Order>(&there).is_err());
        }
        drop(file);
        drop(here);
        assert!(receive::<Order>(&there).unwrap().is_none());
    }

    // A node that goes with reports unread is gone all the same, and its last word counts: it may
    // have been that a command is started.
    #[test]
    fn one_that_left_something_unread_is_heard_to_the_end() {
        let (here, there) = pair().unwrap();
        send(&there, &Report::Ready { pid: 1 }, None).unwrap();
        let stop = Order::Stop {
            run: 1,
            why: Why::Lost,
        };
        send(&here, &stop, None).unwrap();
        drop(here);
        let (order, _) = receive::<Order>(&there).unwrap().unwrap();
        assert!(matches!(order, Order::Stop { run: 1, .. }));
        assert!(receive::<Order>(&there).unwrap().is_none());
        assert!(send(&there, &Report::Ready { pid: 1 }, None).is_err());
    }
}
