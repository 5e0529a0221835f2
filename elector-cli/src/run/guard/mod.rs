mod clean_ends;
mod connection;
mod keeper;
mod loss;
mod memory;
mod metrics;

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix,
    },
    sync::Arc,
    time::Duration,
};

use elector_core::{Moment, NodeId, actor::now};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::{io::Interest, net::UnixStream, process::Child};

use super::{
    Ended, Exit, Options, RunError, Stdin, Tenure, Why,
    channel::{self, Order, Report},
    guardian::schedule::Terms,
    shim::Go,
};
use clean_ends::CleanEnds;
use connection::launch;
pub use keeper::Keeper;
use memory::TooLarge;
pub use metrics::Metrics;

/// A command that runs on the leader, from the node's side: it tells the guardian, and hears of
/// the command's end. There is one for the life of a node.
///
/// Dropping it has the command killed, at once; [`shutdown`](Self::shutdown) is for good manners.
///
/// Nothing here blocks. All methods that wait may be cancelled, and called again.
#[derive(Debug)]
pub struct Guard {
    line: Arc<UnixStream>,
    guardian: Child,
    /// The guardian's process id, and that of the session which it leads.
    session: Pid,
    node: NodeId,
    terms: Terms,
    stdin: Stdin,
    own_children: Option<Vec<Pid>>,
    metrics: Metrics,
    clean_ends: CleanEnds,
    /// The number of the last run.
    run: u64,
    ready: Option<Ready>,
    running: Option<Running>,
    ended: Option<Ended>,
}

/// The process that waits for the word to become the command.
#[derive(Debug)]
struct Ready {
    pid: Pid,
    line: OwnedFd,
}

#[derive(Debug)]
struct Running {
    /// The first process, which leads the group.
    first: Pid,
    deadline: Option<Moment>,
    /// By the node.
    killed: bool,
}

impl Guard {
    /// Starts a guardian, and waits until it can start the command. This process adopts orphans
    /// from then on (`PR_SET_CHILD_SUBREAPER`): what the guardian leaves behind if it is killed.
    ///
    /// # Errors
    /// If the options break a rule, there is no such command, or the guardian cannot be started.
    pub async fn spawn(options: &Options) -> Result<Self, RunError> {
        options.validate()?;
        let launched = launch(options).map_err(RunError::Spawn)?;
        let mut guard = Self {
            line: Arc::new(launched.line),
            guardian: launched.guardian,
            session: launched.pid,
            node: options.node,
            terms: options.terms(),
            stdin: options.stdin,
            own_children: options.own_children.clone(),
            metrics: Metrics::default(),
            clean_ends: CleanEnds::default(),
            run: 0,
            ready: None,
            running: None,
            ended: None,
        };
        guard.ready().await?;
        Ok(guard)
    }

    /// Waits until the command can be started: the one before has ended.
    ///
    /// # Errors
    /// If the guardian has failed.
    pub async fn ready(&mut self) -> Result<(), RunError> {
        while self.ready.is_none() {
            self.hear().await?;
        }
        Ok(())
    }

    /// Starts the command.
    ///
    /// # Errors
    /// If it is not [`ready`](Self::ready), or the guardian has failed. That the command cannot be
    /// executed is not an error here, but its [end](Self::exited).
    pub fn start(&mut self, tenure: &Tenure) -> Result<(), RunError> {
        let ready = match self.running {
            None => self.ready.take(),
            Some(_) => None,
        };
        let Some(Ready { pid, line }) = ready else {
            return Err(RunError::Busy);
        };
        self.run += 1;
        // First, so that there is no command of which the guardian does not know; then the word
        // itself, and not by way of the guardian: waking a process takes time.
        self.tell(&Order::Start {
            run: self.run,
            pid: pid.as_raw_nonzero().get(),
            deadline: tenure.deadline,
        })?;
        self.ended = None;
        self.running = Some(Running {
            first: pid,
            deadline: tenure.deadline,
            killed: false,
        });
        self.metrics.starts.inc();
        self.metrics.running.set(1);
        let go = Go {
            environment: tenure.environment(self.node),
            before: tenure.deadline.map(|deadline| self.too_late(deadline)),
        };
        let stdin = io::stdin();
        let stdin = (self.stdin == Stdin::Inherit).then(|| stdin.as_fd());
        // One that has been killed is reported to have ended.
        let _ = channel::send(line, &go, stdin);
        Ok(())
    }

    /// The lease ends later than was known. Cheap, and without effect if nothing runs.
    pub fn prolong(&mut self, deadline: Moment) {
        let run = self.run;
        if let Some(running) = &mut self.running {
            running.deadline = running.deadline.map(|known| known.max(deadline));
            // A guardian that is gone is heard of; one that does not read keeps the old deadline.
            let sent = now();
            let prolong = Order::Prolong {
                run,
                deadline,
                sent,
            };
            let _ = channel::send(&self.line, &prolong, None);
        }
    }

    /// Waits until the command has ended, and tells how the last run ended if nothing runs. The
    /// command may have left processes behind: it has ended when they have.
    ///
    /// # Errors
    /// If the guardian has failed; then the command has ended, too.
    pub async fn exited(&mut self) -> Result<Ended, RunError> {
        loop {
            if let Some(ended) = self.ended {
                return Ok(ended);
            }
            self.hear().await?;
        }
    }

    /// Asks the command to end, and does not wait for it: all of its grace if leadership is
    /// [given up](Why::Returned), for as long as that is prolonged; what is left of the lease, or
    /// the grace on loss, if it was [lost](Why::Lost). Without effect if nothing runs.
    pub fn ask_to_end(&self, why: Why) {
        if self.running.is_some() {
            // A guardian that is gone is heard of; for one that does not read there are the
            // deadline, and `lose`.
            let _ = self.tell(&Order::Stop { run: self.run, why });
        }
    }

    /// Stops the command with all of its grace, for leadership is given up, and waits for its end.
    /// Under a lease it must be [prolonged](Self::prolong) meanwhile, as
    /// [`supervise`](super::supervise) does.
    ///
    /// # Errors
    /// If the guardian has failed; then the command has ended, too.
    pub async fn stop(&mut self) -> Result<Ended, RunError> {
        self.ask_to_end(Why::Returned);
        self.exited().await
    }

    /// Stops the command, if it runs, and then the guardian.
    ///
    /// # Errors
    /// If the guardian had failed.
    pub async fn shutdown(mut self) -> Result<(), RunError> {
        if self.running.is_some() {
            self.stop().await?;
        }
        // It would wait for the end of this process, otherwise, which waits for it.
        let _ = self.tell(&Order::Dismiss);
        // Its end of the line closes, and there is nothing more to do for it.
        drop(self.line);
        let status = self.guardian.wait().await.map_err(RunError::Talk)?;
        if status.success() {
            Ok(())
        } else {
            Err(RunError::GuardianDied(status))
        }
    }

    /// Whether the command runs, as far as is known.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What is counted of the command.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The command has ended by itself with code 0, and will be started again. Whether that happens
    /// so often that it is not what a command is expected to do.
    pub(super) fn ends_too_often(&mut self, ended: &Ended) -> bool {
        self.clean_ends.saw(ended.over)
    }

    /// Takes what the guardian reports while nothing runs and nothing is to be started, until the
    /// guardian has failed.
    pub(super) async fn failed(&mut self) -> RunError {
        loop {
            if let Err(error) = self.hear().await {
                return error;
            }
        }
    }

    /// Whether the command that runs under a lease has more memory than the margin allows.
    pub(super) fn too_large(&self) -> Option<TooLarge> {
        let running = self.running.as_ref()?;
        let margin = Duration::from_nanos(self.terms.margin);
        running.deadline?;
        TooLarge::of(running.first, margin)
    }

    /// The process id of the guardian.
    #[must_use]
    pub fn guardian(&self) -> u32 {
        self.session.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until the guardian is gone, whoever has the rest of this in hand: a node that does not
    /// lead should stop, too, before it comes to. It may be waited for on any task.
    ///
    /// # Errors
    /// If it is gone already, or cannot be watched.
    pub fn guardian_gone(&self) -> Result<impl Future<Output = ()> + Send + use<>, RunError> {
        let process = pidfd_open(self.session, PidfdFlags::NONBLOCK);
        let process = process.map_err(|error| RunError::Talk(error.into()))?;
        // For its readiness alone: it is no stream.
        let process = unix::net::UnixStream::from(process);
        let process = UnixStream::from_std(process).map_err(RunError::Talk)?;
        Ok(async move {
            // An error would be as bad.
            let _ = process.readable().await;
        })
    }

    /// For sockets that must not break before the command is dead.
    #[must_use]
    pub fn keeper(&self) -> Keeper {
        Keeper(Arc::downgrade(&self.line))
    }

    /// When the guardian would stop at once what is started.
    fn too_late(&self, deadline: Moment) -> Moment {
        let Terms {
            loss_grace, margin, ..
        } = self.terms;
        let needed = loss_grace.saturating_add(margin);
        Moment::from_nanos(deadline.nanos().saturating_sub(needed))
    }

    fn tell(&self, order: &Order) -> Result<(), RunError> {
        match channel::send(&self.line, order, None) {
            // Whoever waits for an end hears of this one, and why.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            sent => sent.map_err(RunError::Talk),
        }
    }

    /// Takes one report.
    async fn hear(&mut self) -> Result<(), RunError> {
        let line = Arc::clone(&self.line);
        let receive = || channel::receive::<Report>(&line);
        let report = line.async_io(Interest::READABLE, receive).await;
        match report.map_err(RunError::Talk)? {
            Some((Report::Ready { pid }, line)) => {
                let ready = Pid::from_raw(pid).zip(line);
                let ready = ready.map(|(pid, line)| Ready { pid, line });
                // Somebody has killed the one before.
                if let Some(before) = std::mem::replace(&mut self.ready, ready) {
                    self.let_go(before.pid);
                }
            }
            Some((Report::Ended { run, ended }, _)) if run == self.run => {
                self.run_over(Some(&ended));
                self.ended = Some(ended);
            }
            // There are none of another run.
            Some((Report::Ended { .. }, _)) => {}
            Some((Report::Failed(what), _)) => {
                self.bereaved().await;
                return Err(RunError::Guardian(what));
            }
            None => return Err(self.bereaved().await),
        }
        Ok(())
    }

    /// Nothing runs any more.
    fn run_over(&mut self, ended: Option<&Ended>) {
        let Some(Running { first, killed, .. }) = self.running.take() else {
            return;
        };
        self.let_go(first);
        self.metrics.running.set(0);
        if killed || ended.is_some_and(|ended| ended.killed.is_some()) {
            self.metrics.kills.inc();
        }
        let by_itself = ended.filter(|ended| ended.why == Why::Itself && !killed);
        if by_itself.is_some_and(|ended| ended.exit != Exit::Code(0)) {
            self.metrics.failures.inc();
        }
    }

    /// This process, which has ended or soon will, gets no more signals from here.
    fn let_go(&self, pid: Pid) {
        let pid = pid.as_raw_nonzero().get();
        // A guardian that does not read lets go of it at the next start.
        let _ = self.tell(&Order::LetGo { pid });
    }
}
