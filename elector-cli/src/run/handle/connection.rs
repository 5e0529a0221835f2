use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{self, process::CommandExt},
    },
    process::{Command, ExitStatus},
    sync::{Arc, Weak},
};

use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open, set_child_subreaper};
use tokio::{io::Interest, net::UnixStream, process::Child};

use crate::run::{
    GUARDIAN, Options, RunError,
    channel::{self, ToGuardian, ToNode},
};

/// Variables with secrets of the node, or with the paths of secrets. The command does not get these
/// variables.
const SECRETS: [&str; 3] = ["ELECTOR_TOKEN", "ELECTOR_TOKEN_FILE", "ELECTOR_TLS_DIR"];

/// The guardian, which is the process that stops the command in time, and the channel to it.
#[derive(Debug)]
pub(super) struct GuardianProcess {
    /// The type `UnixStream` is used only to wait until the channel is readable. The channel
    /// carries separate messages, and not a stream of bytes.
    channel: Arc<UnixStream>,
    pub(super) child: Child,
    /// The process id of the guardian. The guardian leads a session, whose id is the same.
    pub(super) pid: Pid,
}

impl GuardianProcess {
    /// Starts a guardian and sends it the durations with which it stops the command.
    pub(super) fn start(options: &Options) -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        let (ours, theirs) = channel::pair()?;
        let ours = unix::net::UnixStream::from(ours);
        ours.set_nonblocking(true)?;
        let channel = UnixStream::from_std(ours)?;
        let mut command = Command::new(&options.executable);
        command
            .arg0("elector")
            .arg(GUARDIAN)
            .args(&options.command)
            .stdin(theirs);
        for secret in SECRETS {
            command.env_remove(secret);
        }
        // `command` holds the guardian's end of the channel. It is dropped by this statement, so
        // that only the guardian has that end open.
        let child = tokio::process::Command::from(command).spawn()?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        let pid = pid.and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the guardian has no process id"))?;
        let node = pidfd_open(getpid(), PidfdFlags::empty())?;
        let begin = ToGuardian::Begin(options.stop_timing());
        ignore_closed(channel::send(&channel, &begin, Some(node.as_fd())))?;
        Ok(Self {
            channel: Arc::new(channel),
            child,
            pid,
        })
    }

    /// Sends a message. It is no error if the guardian has exited, because
    /// [`receive`](Self::receive) reports this exit.
    pub(super) fn send(&self, message: &ToGuardian) -> Result<(), RunError> {
        let sent = channel::send(&self.channel, message, None);
        ignore_closed(sent).map_err(RunError::Channel)
    }

    /// Waits for a message from the guardian. Returns `None` when the guardian has closed the
    /// channel.
    pub(super) async fn receive(&self) -> Result<Option<(ToNode, Option<OwnedFd>)>, RunError> {
        let receive = || channel::receive(&self.channel);
        let received = self.channel.async_io(Interest::READABLE, receive).await;
        received.map_err(RunError::Channel)
    }

    /// Returns a future that is ready when the process of the guardian has ended. The future does
    /// not borrow this value.
    pub(super) fn exited(&self) -> Result<impl Future<Output = ()> + Send + use<>, RunError> {
        let pidfd = pidfd_open(self.pid, PidfdFlags::NONBLOCK);
        let pidfd = pidfd.map_err(|error| RunError::Channel(error.into()))?;
        // A pidfd is not a stream. The `UnixStream` is used only to wait until the pidfd is
        // readable.
        let pidfd = unix::net::UnixStream::from(pidfd);
        let pidfd = UnixStream::from_std(pidfd).map_err(RunError::Channel)?;
        Ok(async move {
            // If the pidfd cannot be watched, the node must act as if the guardian had ended.
            let _ = pidfd.readable().await;
        })
    }

    /// Closes the channel. Then the guardian exits, and this method waits for its exit.
    pub(super) async fn close(self) -> Result<ExitStatus, RunError> {
        let Self {
            channel, mut child, ..
        } = self;
        drop(channel);
        child.wait().await.map_err(RunError::Channel)
    }

    pub(super) fn guardian_sockets(&self) -> GuardianSockets {
        GuardianSockets(Arc::downgrade(&self.channel))
    }
}

/// Ignores the error that the guardian has closed the channel, because [`GuardianProcess::receive`]
/// reports it.
fn ignore_closed(sent: io::Result<()>) -> io::Result<()> {
    match sent {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        sent => sent,
    }
}

/// Makes the guardian, which is the process that stops the command, keep sockets of the node open
/// until the command is dead, also if the node is killed.
///
/// When a process is killed, the kernel closes its sockets. Peers see that their connections break.
/// If there is no lease to wait for, they elect another leader at once. The guardian notices the
/// end of the node at the same time, and needs some tens of microseconds to kill the command. A
/// socket that the guardian keeps closes only after the command is dead.
///
/// If the node only drops a kept socket, the connection stays open, because the guardian has a
/// copy: the node must shut the socket down (`shutdown(2)`) first. The guardian closes its copy
/// when the connection has ended.
#[derive(Clone, Debug)]
pub struct GuardianSockets(Weak<UnixStream>);

impl GuardianSockets {
    /// Makes the guardian keep this socket open. Never blocks.
    ///
    /// # Errors
    /// If the guardian has exited, or its channel is full.
    pub fn keep(&self, socket: impl AsFd) -> io::Result<()> {
        self.send(&ToGuardian::KeepSocket, socket.as_fd())
    }

    /// Makes the guardian keep this connection to a peer open. The guardian writes `farewell`,
    /// which proves to the peer that the node is dead, on the connection when the process of the
    /// node has ended and no process of the command that the guardian knows of is left. Never
    /// blocks.
    ///
    /// # Errors
    /// If the guardian has exited, or its channel is full.
    pub fn entrust(&self, farewell: &[u8], connection: impl AsFd) -> io::Result<()> {
        let farewell = farewell.to_vec();
        let message = ToGuardian::EntrustConnection { farewell };
        self.send(&message, connection.as_fd())
    }

    fn send(&self, message: &ToGuardian, socket: BorrowedFd<'_>) -> io::Result<()> {
        let channel = self.0.upgrade().ok_or(io::ErrorKind::BrokenPipe)?;
        channel::send(&channel, message, Some(socket))
    }
}
