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

use super::{CommandEnd, EndReason, options::StopTiming};

/// A message from the node to its guardian, the process that stops the command in time. `run` is
/// the number that the node gives to each start of the command.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToGuardian {
    /// The first message. A pidfd of the node comes with this message.
    Begin(StopTiming),
    /// The node is starting the command in the shim, the process with this id that waits to become
    /// the command. The shim may become the command before the guardian reads this message, but not
    /// before the node has sent this message. `deadline` is the end of the lease.
    Start {
        run: u64,
        pid: i32,
        deadline: Option<Moment>,
    },
    /// The lease ends at `deadline`, later than the guardian knows. `sent` is the time at which the
    /// node sent this message. With `sent`, the guardian measures how late messages arrive.
    Prolong {
        run: u64,
        deadline: Moment,
        sent: Moment,
    },
    /// The guardian must stop the command for this reason.
    Stop { run: u64, reason: EndReason },
    /// The node sends no more signals to the process with this id and to its group, so the guardian
    /// may reap the process. Then the system may reuse the id.
    ReleasePid { pid: i32 },
    /// Keep the socket that comes with this message open until the command is dead.
    KeepSocket,
    /// Keep the connection that comes with this message open, and write the farewell to it when
    /// node and command are dead. The farewell is the proof for the peer that the node is dead.
    EntrustConnection { farewell: Vec<u8> },
    /// The node shuts down, and no longer needs its guardian. The guardian must write no farewells,
    /// which would prove the node's death to its peers.
    DiscardFarewells,
}

/// A message from the guardian, the process that stops the command in time, to its node.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToNode {
    /// The shim with this process id, which waits for its start, is ready to become the command. It
    /// leads a process group of its own. A channel to the shim comes with this message: on this
    /// channel, the node sends the shim the message to become the command.
    Ready { pid: i32 },
    /// The command has ended, in the run with this number.
    Ended { run: u64, end: CommandEnd },
    /// The guardian has failed for this reason, and exits.
    Failed(String),
}

/// The maximum length of a message, in bytes.
const MAX_LENGTH: usize = 4096;

/// Returns a pair of connected sockets. Each message arrives whole or not at all, so that neither
/// side can receive half a message from a process that was killed.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let pair = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    );
    Ok(pair?)
}

/// Sends one message, and `file` with the message if there is a file. Never blocks.
///
/// # Errors
/// If the message is too long, if the socket has no room for it, or if the other side has closed
/// the channel.
pub(super) fn send<T: Serialize>(
    socket: impl AsFd,
    message: &T,
    file: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    if bytes.len() > MAX_LENGTH {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the message is too long",
        ));
    }
    let files = file.as_slice();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() {
        // `space` has room for exactly one file, so `push` succeeds.
        control.push(SendAncillaryMessage::ScmRights(files));
    }
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, flags)?;
    Ok(())
}

/// Receives one message, and the file that came with the message, if any. Returns `None` when the
/// other side has closed the channel and all its messages have been received.
///
/// # Errors
/// If no message is there and the socket does not block, or if the message cannot be decoded.
pub(super) fn receive<T: DeserializeOwned>(
    socket: impl AsFd,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut bytes = [0; MAX_LENGTH];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match recvmsg(&socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received.bytes,
            // The other side has closed the channel before it has read all messages of this side.
            // Its own messages can still be received. The kernel reports this error only once.
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

/// Returns `true` if a call of [`receive`] would not block: there is a message, or the other side
/// has closed the channel.
pub(super) fn is_readable(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut socket = [PollFd::from_borrowed_fd(socket, PollFlags::IN)];
    Ok(poll(&mut socket, Some(&Timespec::default()))? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The guardian (the process that stops the command) must not take invalid bytes for a message,
    // and must not wait for the rest of a message: each call of `receive` returns a message, an
    // error, or the end.
    #[test]
    fn a_message_is_whole_or_an_error() {
        let (here, there) = pair().unwrap();
        let prolong = ToGuardian::Prolong {
            run: 7,
            deadline: Moment::from_nanos(u64::MAX),
            sent: Moment::ZERO,
        };
        send(&here, &prolong, Some(here.as_fd())).unwrap();
        let (message, file) = receive::<ToGuardian>(&there).unwrap().unwrap();
        let ToGuardian::Prolong {
            run: 7, deadline, ..
        } = message
        else {
            panic!("{message:?}");
        };
        assert_eq!(deadline.nanos(), u64::MAX);
        assert!(file.is_some());

        for noise in [
            &b"{"[..],
            b"\xff\0",
            b"{\"Begin\":{}}",
            &[b'['; MAX_LENGTH + 1],
        ] {
            rustix::net::send(&here, noise, SendFlags::DONTWAIT).unwrap();
            assert!(receive::<ToGuardian>(&there).is_err());
        }
        drop(file);
        drop(here);
        assert!(receive::<ToGuardian>(&there).unwrap().is_none());
    }

    // A node that exits without reading the messages of its guardian (the process that stops the
    // command) resets the channel. The guardian must still receive the last message of this node,
    // because the message may have started a command, and must then notice the end.
    #[test]
    fn messages_of_a_side_that_closed_with_unread_messages_are_received() {
        let (here, there) = pair().unwrap();
        send(&there, &ToNode::Ready { pid: 1 }, None).unwrap();
        let stop = ToGuardian::Stop {
            run: 1,
            reason: EndReason::Lost,
        };
        send(&here, &stop, None).unwrap();
        drop(here);
        let (message, _) = receive::<ToGuardian>(&there).unwrap().unwrap();
        assert!(matches!(message, ToGuardian::Stop { run: 1, .. }));
        assert!(receive::<ToGuardian>(&there).unwrap().is_none());
        assert!(send(&there, &ToNode::Ready { pid: 1 }, None).is_err());
    }
}
