use std::{ffi::OsString, process::ExitCode, time::Duration};

use clap::{Args, ValueEnum};
use elector_core::{
    Configuration as _, ElectionAlgorithm, Guarantee, GuaranteeKind,
    actor::{Elector, Grace},
};
use elector_net::{Monitor, Tcp, http::prometheus_client::metrics::counter::Counter};
use rustix::process::Pid;
use serde::Deserialize;

use super::{
    arguments::NodeArguments,
    duty::Duty,
    error::ServeError,
    plan::Plan,
    serve::code_of,
    service::{Count, Counted},
    worker::Worker,
};
use crate::run::{self, CommandHandle, ExitPolicy, Options, RunError};

/// `elector run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
COMMAND runs on the node that leads, and nowhere else. When leadership ends it gets SIGTERM, then
SIGKILL, all before the lease ends; it dies with the node, also when that is killed. Its environment
has ELECTOR_NODE, ELECTOR_EPOCH and, under raft and paxos, ELECTOR_FENCING_TOKEN: send the token
along with every write, and let the resource refuse any that is lower than one it has seen. It has
not ELECTOR_TOKEN, ELECTOR_TOKEN_FILE and ELECTOR_TLS_DIR.

COMMAND is expected to run for as long as the node leads. For one that ends, see --on-exit: under
`resign` and `restart` it is started again, on this node or the next; under `wait` not before the
next tenure.

SIGTERM, SIGINT, SIGQUIT: COMMAND is ended, and the node hands over and ends; the second of them
ends both at once. SIGHUP with a controlling terminal: the same, but for the second; without one:
the log filter and the certificates are read again. SIGUSR1, SIGUSR2: ignored. Signals that were
ignored at the start (nohup) stay ignored, also in COMMAND, but for SIGTERM.

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
    /// What to do when the command ends by itself, with whatever code [default: resign]
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

/// Runs a command while the node leads.
pub(crate) struct Supervision {
    settings: RunSettings,
    command: Vec<OsString>,
    guard: Option<CommandHandle>,
}

impl Supervision {
    pub(super) fn new(settings: RunSettings, command: Vec<OsString>) -> Self {
        Self {
            settings,
            command,
            guard: None,
        }
    }

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
            options.validate_lease(plan.config.timing())?;
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
        let guard = CommandHandle::spawn(&options).await?;
        let keeper = guard.guardian_sockets();
        self.guard = Some(guard);
        let companion = keeper.clone();
        let tcp = tcp.companion(move |said, socket| companion.entrust(said.bytes(), socket));
        Ok(tcp.before_listening(move |socket| keeper.keep(socket)))
    }

    fn counts(&self) -> Vec<Counted> {
        let Some(metrics) = self.guard.as_ref().map(CommandHandle::metrics) else {
            return Vec::new();
        };
        let all = |name, help, counter: &Counter| (name, help, Count::All(counter.clone()));
        vec![
            all(
                "elector_command_starts",
                "Starts of the command",
                &metrics.starts,
            ),
            all(
                "elector_command_kills",
                "Commands that had to be ended by SIGKILL",
                &metrics.kills,
            ),
            all(
                "elector_command_failures",
                "Commands that ended by themselves with another code than 0",
                &metrics.failures,
            ),
            all(
                "elector_command_restarts",
                "Starts of the command after another one in the same tenure",
                &metrics.restarts,
            ),
            all(
                "elector_command_late_ends",
                "Commands that were dead only after the end of their lease",
                &metrics.late_ends,
            ),
            (
                "elector_command_running",
                "Whether the command runs on this node",
                Count::Now(metrics.running.clone()),
            ),
        ]
    }

    async fn done<A: ElectionAlgorithm>(
        self,
        plan: &Plan<A>,
        elector: Elector<A::Guarantee>,
        _: Monitor,
    ) -> ExitCode {
        let options = self.options(plan);
        let policy = self.settings.or(plan.run).on_exit.unwrap_or_default();
        let Some(guard) = self.guard else {
            return code_of(&elector.stopped().await);
        };
        let gone = match guard.guardian_exited() {
            Ok(gone) => gone,
            Err(error) => {
                tracing::error!(target: "elector", %error, "the node ends");
                return ExitCode::from(error.exit_code());
            }
        };
        let worker = Worker::new(guard, policy, plan.config.timing().lease);
        let grace = Grace {
            // A little more than the command has: its guardian must be heard.
            to_finish: options.grace + Duration::from_secs(1),
            to_clean_up: Duration::MAX,
        };
        let led = worker.lead(&elector, grace, gone).await;
        worker.end(led, &elector).await
    }
}

impl From<RunError> for ServeError {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}
