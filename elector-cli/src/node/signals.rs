use std::{fs::File, future::poll_fn, io, task::Poll};

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::dispositions::Ignored;

/// What a signal tells a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// To end; at once, if it was told to end before.
    End,
    /// To end. It comes once or twice when a terminal is closed, which is no hurry.
    HangUp,
    /// To read again what can be read again.
    Reload,
    /// Nothing. It would end a process that does not handle it.
    Nothing,
}

/// The signals that would end this process. While this lives, it is told of them instead.
pub(crate) struct Signals(Vec<Handled>);

struct Handled {
    told: Told,
    name: &'static str,
    coming: unix::Signal,
}

impl Signals {
    /// From now on they do not end the process, but [`next`](Self::next) tells of them. Those that
    /// it was started to ignore it goes on to ignore.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub(crate) fn new() -> io::Result<Self> {
        let hang_up = if has_terminal() {
            Told::HangUp
        } else {
            Told::Reload
        };
        let all = [
            (Signal::TERM, Told::End, "SIGTERM"),
            (Signal::INT, Told::End, "SIGINT"),
            (Signal::QUIT, Told::End, "SIGQUIT"),
            (Signal::HUP, hang_up, "SIGHUP"),
            (Signal::USR1, Told::Nothing, "SIGUSR1"),
            (Signal::USR2, Told::Nothing, "SIGUSR2"),
        ];
        let ignored = Ignored::at_start();
        let mut handled = Vec::new();
        for (which, told, name) in all {
            if ignored.keeps(which) {
                tracing::info!(
                    target: "elector",
                    signal = name,
                    "ignored, as it was when this process was started"
                );
                continue;
            }
            let coming = signal(SignalKind::from_raw(which.as_raw()))?;
            handled.push(Handled { told, name, coming });
        }
        Ok(Self(handled))
    }

    /// Waits for the next one, and gives its name, too. May be cancelled.
    pub(crate) async fn next(&mut self) -> (Told, &'static str) {
        poll_fn(|context| {
            for Handled { told, name, coming } in &mut self.0 {
                if let Poll::Ready(Some(())) = coming.poll_recv(context) {
                    return Poll::Ready((*told, *name));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether this process has a controlling terminal, which sends SIGHUP when it is closed.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}
