use std::{fs::File, future::poll_fn, io, task::Poll};

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::dispositions::Ignored;

/// What a signal requests from the process of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Shut down. If a shutdown was requested before, exit at once.
    ShutDown,
    /// Shut down, because the terminal was closed. A terminal that is closed sends SIGHUP once or
    /// twice, so a second SIGHUP does not mean "exit at once".
    HangUp,
    /// Read the log filter and the certificates again.
    Reload,
    /// Do nothing. Without a handler, the signal would end the process.
    Ignore,
}

/// Handlers for the signals that would end this process if they had no handler.
/// [`next`](Self::next) returns the signals that arrive.
pub(crate) struct Signals(Vec<Handler>);

struct Handler {
    request: Request,
    name: &'static str,
    stream: unix::Signal,
}

impl Signals {
    /// Installs the handlers. Signals that were ignored when the process was started stay ignored.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub(crate) fn new() -> io::Result<Self> {
        let hang_up = if has_terminal() {
            Request::HangUp
        } else {
            Request::Reload
        };
        let all = [
            (Signal::TERM, Request::ShutDown, "SIGTERM"),
            (Signal::INT, Request::ShutDown, "SIGINT"),
            (Signal::QUIT, Request::ShutDown, "SIGQUIT"),
            (Signal::HUP, hang_up, "SIGHUP"),
            (Signal::USR1, Request::Ignore, "SIGUSR1"),
            (Signal::USR2, Request::Ignore, "SIGUSR2"),
        ];
        let ignored = Ignored::at_start();
        let mut handlers = Vec::new();
        for (which, request, name) in all {
            if ignored.keeps(which) {
                tracing::info!(
                    target: "elector",
                    signal = name,
                    "signal stays ignored, as at the start of this process"
                );
                continue;
            }
            let stream = signal(SignalKind::from_raw(which.as_raw()))?;
            handlers.push(Handler {
                request,
                name,
                stream,
            });
        }
        Ok(Self(handlers))
    }

    /// Waits for the next signal. Returns what the signal requests, and its name. If the future is
    /// dropped, no signal is lost.
    pub(crate) async fn next(&mut self) -> (Request, &'static str) {
        poll_fn(|context| {
            for handler in &mut self.0 {
                if let Poll::Ready(Some(())) = handler.stream.poll_recv(context) {
                    return Poll::Ready((handler.request, handler.name));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Returns `true` if this process has a controlling terminal, which sends SIGHUP when it is closed.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}
