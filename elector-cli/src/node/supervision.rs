use std::{ffi::OsString, process::ExitCode, time::Duration};

use elector_core::{
    Configuration as _, ElectionAlgorithm, Guarantee, GuaranteeKind,
    actor::{Elector, Grace},
};
use elector_net::{Tcp, http::prometheus_client::metrics::counter::Counter};
use rustix::process::Pid;

use super::{
    error::ServeError,
    metrics::{Metric, MetricValue},
    run_settings::{RunSettings, StdinSetting},
    setup::NodeSetup,
    worker::Worker,
    workload::{Workload, exit_code},
};
use crate::run::{self, CommandHandle, Options};

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

/// Returns the default loss grace, which is the time from SIGTERM to SIGKILL when the lease is
/// about to end, and the default margin, which is the time from SIGKILL to the end of the lease.
/// With a longer lease both are longer, because then a busy machine has more time to stop the
/// command.
fn default_stop_times(lease: Duration) -> (Duration, Duration) {
    let ms = Duration::from_millis;
    match lease.as_millis() {
        ..50 => (ms(2), ms(5)),
        50..500 => (ms(10), ms(15)),
        500.. => (ms(50), ms(100)),
    }
}

impl Workload for Supervision {
    fn check<A: ElectionAlgorithm>(&self, setup: &NodeSetup<A>) -> Result<(), ServeError> {
        let options = self.options(setup);
        // `--init` and `--check-config` need no command.
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

    /// Starts the guardian, which is the process that stops the command before the lease ends, and
    /// gives it the listening socket and the connections of the node.
    ///
    /// The guardian keeps the listening socket open, and exits only after the end of the command.
    /// If the node is killed, its peers connect again. These connections are refused only after the
    /// guardian has exited. So while the command of a killed node is still alive, no peer sees a
    /// refused connection, which could make it elect another leader.
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
        let tcp = tcp.watcher(move |farewell, socket| guardian.entrust(farewell.bytes(), socket));
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
            // The guardian, the process that stops the command, reports the end of the command a
            // little after the grace (the time from SIGTERM to SIGKILL) has ended, so the node
            // waits a little longer than this grace.
            to_finish: options.grace + Duration::from_secs(1),
            to_clean_up: Duration::MAX,
        };
        let result = worker.lead(&elector, grace, guardian_exited).await;
        worker.finish(result, &elector).await
    }
}
