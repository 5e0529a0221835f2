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
    error::ServeError,
    serve::exit_code,
    service::{Metric, MetricValue},
    setup::NodeSetup,
    worker::Worker,
    workload::{ElectionOnly, Workload},
};
use crate::run::{self, CommandHandle, ExitPolicy, Options, RunError};

/// `elector run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
COMMAND runs only on the node that leads. When the leadership ends, COMMAND gets SIGTERM and then
SIGKILL, so that it is dead before the lease ends. COMMAND also dies when the node is killed.

The environment of COMMAND contains ELECTOR_NODE, ELECTOR_EPOCH and, under raft and paxos,
ELECTOR_FENCING_TOKEN. Send this token with every write, and let the resource reject every token
that is lower than the highest one so far. The environment does not contain ELECTOR_TOKEN,
ELECTOR_TOKEN_FILE and ELECTOR_TLS_DIR.

COMMAND is expected to run for as long as the node leads. If it ends by itself, --on-exit says what
happens: under `resign` it starts again on the next leader, under `restart` on this node, and under
`wait` in the next tenure of this node.

Signals:
  SIGTERM, SIGINT, SIGQUIT  the node stops COMMAND, hands over to the best peer and exits; after a
                            second of these signals both exit at once
  SIGHUP                    with a controlling terminal: the node stops COMMAND, hands over and
                            exits; without one: it reads log filter and certificates again
  SIGUSR1, SIGUSR2          ignored
Signals that were ignored at the start (nohup) stay ignored, also in COMMAND, except SIGTERM.

Example:
  elector run --id 1 --peers 1=db1:7100,2=db2:7100,3=db3:7100 --data-dir /var/lib/elector \\
      -- /usr/bin/billing --serve

Exit code: 0 shut down as requested; 2 could not be started; 3 the node failed; 4 the guardian of
COMMAND failed; under --on-exit stop, the code of COMMAND (128 + the signal that killed it).")]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) node: NodeArguments,
    #[command(flatten)]
    pub(crate) run: RunSettings,
    /// The program that runs on the leader, with its arguments
    #[arg(
        last = true,
        value_name = "COMMAND",
        required_unless_present_any = ["init", "check_config"]
    )]
    pub(crate) command: Vec<OsString>,
}

/// How the command is stopped, and what happens when it ends: the table `run` of the file.
#[derive(Clone, Copy, Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunSettings {
    /// The time from SIGTERM to SIGKILL when the leadership is given up [default: 10000]
    #[arg(long, value_name = "MS", env = "ELECTOR_GRACE_MS")]
    pub(crate) grace_ms: Option<u64>,
    /// The time from SIGTERM to SIGKILL when the lease is about to end [default: 50; with the
    /// profile `lan`: 2]
    #[arg(long, value_name = "MS", env = "ELECTOR_LOSS_GRACE_MS")]
    pub(crate) loss_grace_ms: Option<u64>,
    /// The time from SIGKILL to the end of the lease [default: 100; with the profile `lan`: 5]
    #[arg(long, value_name = "MS", env = "ELECTOR_MARGIN_MS")]
    pub(crate) margin_ms: Option<u64>,
    /// What to do when the command ends by itself, with any exit code [default: resign]
    #[arg(long, value_enum, env = "ELECTOR_ON_EXIT")]
    pub(crate) on_exit: Option<ExitPolicy>,
    /// Standard input of the command [default: null]
    #[arg(long, value_enum, env = "ELECTOR_STDIN")]
    pub(crate) stdin: Option<StdinSetting>,
}

/// Standard input of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StdinSetting {
    /// Nothing
    Null,
    /// Standard input of the node
    Inherit,
}

impl RunSettings {
    /// Takes from `file` the settings that are missing here.
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

/// The workload of `elector run`: runs a command while the node leads.
pub(crate) struct Supervision {
    settings: RunSettings,
    command_line: Vec<OsString>,
    command: Option<CommandHandle>,
}

impl Supervision {
    pub(super) fn new(settings: RunSettings, command_line: Vec<OsString>) -> Self {
        Self {
            settings,
            command_line,
            command: None,
        }
    }

    fn options<A: ElectionAlgorithm>(&self, setup: &NodeSetup<A>) -> Options {
        let settings = self.settings.or(setup.run);
        let mut options = Options::new(setup.members.me(), self.command_line.iter().cloned());
        (options.loss_grace, options.margin) = default_stop_times(setup.config.timing().lease);
        let set = |duration: &mut Duration, ms: Option<u64>| {
            *duration = ms.map_or(*duration, Duration::from_millis);
        };
        set(&mut options.grace, settings.grace_ms);
        set(&mut options.loss_grace, settings.loss_grace_ms);
        set(&mut options.margin, settings.margin_ms);
        options.widen_margin(setup.config.timing());
        options.stdin = match settings.stdin {
            None | Some(StdinSetting::Null) => run::Stdin::Null,
            Some(StdinSetting::Inherit) => run::Stdin::Inherit,
        };
        options
    }
}

/// The default loss grace and the default margin for a lease of this length. A longer lease leaves
/// more time for a machine that is busy.
fn default_stop_times(lease: Duration) -> (Duration, Duration) {
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

impl Workload for Supervision {
    fn check<A: ElectionAlgorithm>(&self, setup: &NodeSetup<A>) -> Result<(), ServeError> {
        let options = self.options(setup);
        // To create the data folder or to check settings, no command is needed.
        if self.command_line.is_empty() {
            options.validate_durations()?;
        } else {
            options.validate()?;
        }
        if options.grace > setup.leave_timeout {
            return Err(ServeError::GraceTooLong {
                grace: options.grace,
                leave: setup.leave_timeout,
            });
        }
        if A::Guarantee::KIND == GuaranteeKind::Quorum {
            options.validate_lease(setup.config.timing())?;
        }
        Ok(())
    }

    /// The guardian keeps the listening socket open. A peer whose connection to this node breaks
    /// connects again, and the connection is refused only after the guardian has exited, and with
    /// it the command. So no peer elects another leader while the command of a node that was killed
    /// is still alive.
    async fn prepare<A: ElectionAlgorithm>(
        &mut self,
        setup: &NodeSetup<A>,
        tcp: Tcp<A>,
        heir: Option<u32>,
    ) -> Result<Tcp<A>, ServeError> {
        let mut options = self.options(setup);
        let heir = heir.and_then(|heir| Pid::from_raw(heir.try_into().ok()?));
        options.own_children = Some(heir.into_iter().collect());
        let command = CommandHandle::spawn(&options).await?;
        let sockets = command.guardian_sockets();
        self.command = Some(command);
        let guardian = sockets.clone();
        let tcp = tcp.observer(move |farewell, socket| guardian.entrust(farewell.bytes(), socket));
        Ok(tcp.before_listening(move |socket| sockets.keep(socket)))
    }

    fn metrics(&self) -> Vec<Metric> {
        let Some(metrics) = self.command.as_ref().map(CommandHandle::metrics) else {
            return Vec::new();
        };
        let total = |name, help, counter: &Counter| {
            let value = MetricValue::Total(counter.clone());
            Metric { name, help, value }
        };
        vec![
            total(
                "elector_command_starts",
                "Starts of the command",
                &metrics.starts,
            ),
            total(
                "elector_command_kills",
                "Commands that were ended by SIGKILL",
                &metrics.kills,
            ),
            total(
                "elector_command_failures",
                "Commands that ended by themselves with a code other than 0",
                &metrics.failures,
            ),
            total(
                "elector_command_restarts",
                "Starts of the command after another start in the same tenure",
                &metrics.restarts,
            ),
            total(
                "elector_command_late_ends",
                "Commands that ended after the end of their lease",
                &metrics.late_ends,
            ),
            Metric {
                name: "elector_command_running",
                help: "1 while the command runs on this node, else 0",
                value: MetricValue::Current(metrics.running.clone()),
            },
        ]
    }

    async fn run<A: ElectionAlgorithm>(
        self,
        setup: &NodeSetup<A>,
        elector: Elector<A::Guarantee>,
        _: Monitor,
    ) -> ExitCode {
        let options = self.options(setup);
        let policy = self.settings.or(setup.run).on_exit.unwrap_or_default();
        let Some(command) = self.command else {
            return exit_code(&elector.stopped().await);
        };
        let guardian_exited = match command.guardian_exited() {
            Ok(exited) => exited,
            Err(error) => {
                tracing::error!(target: "elector", %error, "node stops");
                return ExitCode::from(error.exit_code());
            }
        };
        let worker = Worker::new(command, policy, setup.config.timing().lease);
        let grace = Grace {
            // A little longer than the grace of the command, because the guardian reports the end
            // of the command after that.
            to_finish: options.grace + Duration::from_secs(1),
            to_clean_up: Duration::MAX,
        };
        let result = worker.lead(&elector, grace, guardian_exited).await;
        worker.finish(result, &elector).await
    }
}

impl From<RunError> for ServeError {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}
