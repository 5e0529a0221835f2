use std::{ffi::OsString, pin::pin, process::ExitCode, time::Duration};

use clap::{Args, ValueEnum};
use elector_core::{
    ElectionAlgorithm, Guarantee, GuaranteeKind, Settings as _,
    actor::{BoxError, Elector, Grace, LeadError, Leadership},
};
use elector_net::{Monitor, Tcp};
use rustix::process::Pid;
use serde::Deserialize;
use tokio::sync::{Mutex, SetOnce};

use super::{
    arguments::NodeArguments,
    error::ServeError,
    plan::Plan,
    serve::{Duty, code_of, serve},
    service::Counted,
};
use crate::{
    CliError,
    run::{self, Backoff, ExitPolicy, Guard, Options, Outcome, RunError},
};

/// `elector run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
COMMAND runs on the node that leads, and nowhere else. When leadership ends it gets SIGTERM, then
SIGKILL, all before the lease ends; it dies with the node, also when that is killed. Its environment
has ELECTOR_NODE, ELECTOR_EPOCH and, under raft and paxos, ELECTOR_FENCING_TOKEN: send the token
along with every write, and let the resource refuse any that is lower than one it has seen.

Example:
  elector run --id 1 --peers 1=db1:7100,2=db2:7100,3=db3:7100 --data-dir /var/lib/elector \\
      -- /usr/bin/billing --serve

Exit code: 0 ended as it was told to; 2 could not be started; 3 the node ended by itself; 4 the
guardian of COMMAND failed; under --on-exit stop, that of COMMAND (128 + the signal's number).")]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) node: NodeArguments,
    #[command(flatten)]
    pub(crate) run: RunSettings,
    /// What runs on the leader
    #[arg(last = true, value_name = "COMMAND", required_unless_present_any = ["init", "check_config"])]
    pub(crate) command: Vec<OsString>,
}

/// How the command is stopped, and what its end means; the table `run` in a file.
#[derive(Clone, Copy, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunSettings {
    /// How long the command may take to end when leadership is given up [default: 10000]
    #[arg(long, value_name = "MS", env = "ELECTOR_GRACE_MS")]
    pub(crate) grace_ms: Option<u64>,
    /// The same when the lease is about to end [default: 50; in the profile `lan`: 2]
    #[arg(long, value_name = "MS", env = "ELECTOR_LOSS_GRACE_MS")]
    pub(crate) loss_grace_ms: Option<u64>,
    /// How long before the end of the lease the command is killed [default: 100; in the profile
    /// `lan`: 5]
    #[arg(long, value_name = "MS", env = "ELECTOR_MARGIN_MS")]
    pub(crate) margin_ms: Option<u64>,
    /// What to do when the command ends by itself [default: resign]
    #[arg(long, value_enum, env = "ELECTOR_ON_EXIT")]
    pub(crate) on_exit: Option<ExitPolicy>,
    /// What the command reads [default: null]
    #[arg(long, value_enum, env = "ELECTOR_STDIN")]
    pub(crate) stdin: Option<StdinSetting>,
}

/// Standard input of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StdinSetting {
    /// Nothing
    Null,
    /// What the node's own is
    Inherit,
}

impl RunSettings {
    pub(crate) fn or(self, file: Self) -> Self {
        Self {
            grace_ms: self.grace_ms.or(file.grace_ms),
            loss_grace_ms: self.loss_grace_ms.or(file.loss_grace_ms),
            margin_ms: self.margin_ms.or(file.margin_ms),
            on_exit: self.on_exit.or(file.on_exit),
            stdin: self.stdin.or(file.stdin),
        }
    }
}

/// `elector run`.
///
/// # Errors
/// If the node or the command cannot be started.
pub(crate) fn run(arguments: RunArguments) -> Result<ExitCode, CliError> {
    let supervision = Supervision {
        settings: arguments.run,
        command: arguments.command,
        guard: None,
    };
    serve(arguments.node, supervision)
}

/// Runs a command while the node leads.
struct Supervision {
    settings: RunSettings,
    command: Vec<OsString>,
    guard: Option<Guard>,
}

impl Supervision {
    fn options<A: ElectionAlgorithm>(&self, plan: &Plan<A>) -> Options {
        let settings = self.settings.or(plan.run);
        let mut options = Options::new(plan.members.me(), self.command.iter().cloned());
        (options.loss_grace, options.margin) = room(plan.config.timing().lease);
        let set = |duration: &mut Duration, ms: Option<u64>| {
            *duration = ms.map_or(*duration, Duration::from_millis);
        };
        set(&mut options.grace, settings.grace_ms);
        set(&mut options.loss_grace, settings.loss_grace_ms);
        set(&mut options.margin, settings.margin_ms);
        options.widen_margin(plan.config.timing());
        options.stdin = match settings.stdin {
            None | Some(StdinSetting::Null) => run::Stdin::Null,
            Some(StdinSetting::Inherit) => run::Stdin::Inherit,
        };
        options
    }
}

/// The loss grace and the margin that fit a lease of this length: the more time there is, the more
/// of it is kept for a machine that is busy.
fn room(lease: Duration) -> (Duration, Duration) {
    let (loss_grace, margin) = match lease.as_millis() {
        ..50 => (2, 5),
        50..500 => (10, 15),
        500.. => (50, 100),
    };
    (
        Duration::from_millis(loss_grace),
        Duration::from_millis(margin),
    )
}

impl Duty for Supervision {
    fn check<A: ElectionAlgorithm>(&self, plan: &Plan<A>) -> Result<(), ServeError> {
        let options = self.options(plan);
        // None is needed to make a folder, or to check settings.
        if self.command.is_empty() {
            options.validate_durations()?;
        } else {
            options.validate()?;
        }
        if options.grace > plan.leave {
            return Err(ServeError::Grace {
                grace: options.grace,
                leave: plan.leave,
            });
        }
        if A::Guarantee::KIND == GuaranteeKind::Quorum {
            options.fits(plan.config.timing())?;
        }
        Ok(())
    }

    /// The guardian keeps the listening socket: whoever finds a connection to this node broken
    /// dials it anew, and is refused only when the guardian has ended, and with it the command. So
    /// nobody elects another leader while the command of one that was killed still lives.
    async fn prepare<A: ElectionAlgorithm>(
        &mut self,
        plan: &Plan<A>,
        tcp: Tcp<A>,
        heir: Option<u32>,
    ) -> Result<Tcp<A>, ServeError> {
        let mut options = self.options(plan);
        let heir = heir.and_then(|heir| Pid::from_raw(heir.try_into().ok()?));
        options.own_children = Some(heir.into_iter().collect());
        let guard = Guard::spawn(&options).await?;
        let keeper = guard.keeper();
        self.guard = Some(guard);
        let companion = keeper.clone();
        let tcp = tcp.companion(move |said, socket| companion.entrust(said.bytes(), socket));
        Ok(tcp.before_listening(move |socket| keeper.keep(socket)))
    }

    fn counts(&self) -> Vec<Counted> {
        let help = "Commands that were dead only after the end of their lease";
        let count = |guard: &Guard| ("elector_command_late_ends", help, guard.late_ends().clone());
        self.guard.iter().map(count).collect()
    }

    async fn done<A: ElectionAlgorithm>(
        self,
        plan: &Plan<A>,
        elector: Elector<A>,
        _: Monitor,
    ) -> ExitCode {
        let options = self.options(plan);
        let policy = self.settings.or(plan.run).on_exit.unwrap_or_default();
        let Some(guard) = self.guard else {
            return code_of(&elector.stopped().await);
        };
        let gone = match guard.guardian_gone() {
            Ok(gone) => gone,
            Err(error) => {
                tracing::error!(target: "elector", %error, "the node ends");
                return ExitCode::from(error.exit_code());
            }
        };
        let worker = Worker {
            guard: Mutex::new((guard, Backoff::default())),
            policy,
            verdict: SetOnce::new(),
            patience: plan.config.timing().lease,
        };
        let grace = Grace {
            // A little more than the command has: its guardian must be heard.
            to_finish: options.grace + Duration::from_secs(1),
            to_clean_up: Duration::MAX,
        };
        let led = worker.lead(&elector, grace, gone).await;
        worker.end(led, &elector).await
    }
}

/// That the node ends, because of the end of its command or of the guardian.
struct Verdict {
    /// The exit code of the process.
    code: u8,
    why: String,
}

/// What is kept from tenure to tenure.
struct Worker {
    guard: Mutex<(Guard, Backoff)>,
    policy: ExitPolicy,
    verdict: SetOnce<Verdict>,
    /// The node gives leadership up when the work is not polled for this time: its command is dead
    /// by then, for the guardian hears of no longer lease.
    patience: Duration,
}

impl Worker {
    async fn lead<A: ElectionAlgorithm>(
        &self,
        elector: &Elector<A>,
        grace: Grace,
        gone: impl Future<Output = ()>,
    ) -> Result<(), LeadError> {
        let led = elector.lead_with(grace, |me| self.watched(me));
        unless_decided(led, gone, &self.guard, &self.verdict).await
    }

    async fn watched<G: Guarantee>(&self, me: Leadership<G>) -> Result<(), BoxError> {
        me.watched(self.patience, self.work(&me)).await
    }

    async fn work<G: Guarantee>(&self, me: &Leadership<G>) -> Result<(), BoxError> {
        let mut guard = self.guard.lock().await;
        let (guard, backoff) = &mut *guard;
        let outcome = run::supervise(me, guard, self.policy, backoff).await;
        match outcome {
            Ok(Outcome::Stop(ended)) => {
                let why = "the command has ended, and with it the node";
                self.decide(ended.exit.code(), &why);
                Err(why.into())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.decide(error.exit_code(), &error);
                Err(error.into())
            }
        }
    }

    fn decide(&self, code: u8, why: &dyn ToString) {
        let why = why.to_string();
        // The first one stands.
        let _ = self.verdict.set(Verdict { code, why });
    }

    /// Ends what is left, and says by which code the process ends.
    async fn end<A: ElectionAlgorithm>(
        self,
        led: Result<(), LeadError>,
        elector: &Elector<A>,
    ) -> ExitCode {
        let code = match &led {
            Ok(()) => ExitCode::SUCCESS,
            Err(LeadError::Node(_)) => ExitCode::from(run::NODE_FAILED),
            Err(error) => {
                tracing::error!(target: "elector", %error, "the node ends");
                let code = self.verdict.get().map(|verdict| verdict.code);
                ExitCode::from(code.unwrap_or(run::GUARDIAN_FAILED))
            }
        };
        // The work has ended, so nothing is left that could take long.
        if let Err(error) = elector.leave(Duration::from_secs(1)).await {
            tracing::error!(target: "elector", %error, "not in good order");
        }
        if let Err(error) = self.guard.into_inner().0.shutdown().await {
            tracing::error!(target: "elector", %error, "the guardian");
        }
        code
    }
}

/// Leads for as long as the guardian is not `gone`, and there is no verdict. Work that has the
/// guardian `in_hand` hears of its end, too, and sees to the end of the command first.
///
/// Work that has failed is not enough to end `led`: if it has lost its leadership at the same time,
/// that counts as the reason, and `led` goes on.
async fn unless_decided<T>(
    led: impl Future<Output = Result<(), LeadError>>,
    gone: impl Future<Output = ()>,
    in_hand: &Mutex<T>,
    verdict: &SetOnce<Verdict>,
) -> Result<(), LeadError> {
    let mut led = pin!(led);
    tokio::select! {
        biased;
        led = &mut led => return led,
        _ = verdict.wait() => {}
        () = gone => {}
    }
    tokio::select! {
        biased;
        led = &mut led => return led,
        _ = in_hand.lock() => {}
    }
    // Better to end now than to win an election, and be of no use.
    let why = verdict.get().map(|verdict| verdict.why.as_str());
    Err(LeadError::Work(
        why.unwrap_or("the guardian of the command is gone").into(),
    ))
}

impl From<RunError> for ServeError {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        task::{Context, Waker},
    };

    use super::*;

    // In a pause between two starts of the command the work holds the guardian and does not listen.
    // If its leadership ends just then, nobody has heard, and the node must end all the same.
    #[tokio::test]
    async fn a_node_whose_guardian_is_gone_ends_though_its_work_did_not_listen() {
        let (guard, verdict) = (Mutex::new(()), SetOnce::new());
        let pausing = guard.lock().await;
        let mut led = pin!(unless_decided(pending(), ready(()), &guard, &verdict));
        let mut context = Context::from_waker(Waker::noop());
        assert!(led.as_mut().poll(&mut context).is_pending(), "work first");
        drop(pausing);
        let told = led.await.unwrap_err().to_string();
        assert!(told.contains("guardian"), "{told}");
    }

    // Work that fails as it loses its leadership does not end the lead. A node without a guardian
    // would stay, and would lead without a command when it is elected again.
    #[tokio::test]
    async fn a_verdict_ends_the_node_though_its_work_has_lost_its_leadership() {
        let (guard, verdict) = (Mutex::new(()), SetOnce::new());
        let mut led = pin!(unless_decided(pending(), pending(), &guard, &verdict));
        let mut context = Context::from_waker(Waker::noop());
        assert!(led.as_mut().poll(&mut context).is_pending());
        let decided = Verdict {
            code: 4,
            why: "it was killed".into(),
        };
        assert!(verdict.set(decided).is_ok());
        let told = led.await.unwrap_err().to_string();
        assert!(told.contains("it was killed"), "{told}");
    }

    // Work that leads on tells itself how it ended.
    #[tokio::test]
    async fn the_end_of_the_lead_comes_before_a_verdict() {
        let (guard, verdict) = (Mutex::new(()), SetOnce::new());
        let decided = Verdict {
            code: 0,
            why: String::new(),
        };
        assert!(verdict.set(decided).is_ok());
        let led = unless_decided(ready(Ok(())), ready(()), &guard, &verdict);
        assert!(led.await.is_ok());
    }
}
