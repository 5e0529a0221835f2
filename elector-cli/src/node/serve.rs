use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use elector_core::{
    Comparable, ElectionAlgorithm,
    actor::{Elector, NodeHandle},
};
use elector_net::{FileStorage, LifeLock, RecordError, Tcp, http};
use tokio::{
    runtime::{self, Runtime},
    sync::oneshot,
    time::timeout,
};

use super::{
    algorithm::configured,
    arguments::NodeArguments,
    checks,
    error::ServeError,
    log,
    reload::Reload,
    service::service,
    settings::{LogFormat, Settings},
    setup::NodeSetup,
    shutdown::{handle_signals, shut_down_without_record},
    signals::Signals,
    workload::Workload,
};
use crate::{
    FAILED,
    environment::{self, Unknown},
    output, run,
};

/// How long the shutdown waits, after the node has stopped, for the task that logs the result of
/// the shutdown.
const SHUTDOWN_LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// Reads the settings, and calls `start` to run a node with the algorithm of the settings and with
/// this workload, which is what the process does beside the elections.
///
/// # Errors
/// If the node cannot be started. If the log is JSON, this function prints the error as a line of
/// the log, and returns the exit code instead.
pub(super) fn serve<W: Workload>(
    arguments: NodeArguments,
    workload: W,
    start: impl FnOnce(NodeStart<W>) -> Result<ExitCode, ServeError>,
) -> Result<ExitCode, ServeError> {
    let flags = arguments.settings;
    let mut format = flags.log_format;
    let result = flags.clone().with_file().and_then(|settings| {
        format = settings.log_format;
        let log = log::start(&settings)?;
        warn_of_unknown_variables();
        let result = start(NodeStart {
            settings,
            is_check: arguments.check_config,
            is_init: arguments.init,
            workload,
            reload: Reload::new(flags, log.clone()),
        });
        log.flush();
        result
    });
    match result {
        Err(error) if format == Some(LogFormat::Json) => {
            output::warn(&log::error_line(&error));
            Ok(ExitCode::from(FAILED))
        }
        result => result,
    }
}

/// Warns of environment variables that begin with `ELECTOR_` and are no setting: the operator
/// probably meant a setting.
fn warn_of_unknown_variables() {
    for Unknown { name, nearest } in environment::unknown() {
        tracing::warn!(
            target: "elector", variable = name, nearest,
            "variable ignored, because it is no setting: correct its name, or remove it"
        );
    }
}

/// Everything that is needed to start a node, before the type of its algorithm is known.
pub(crate) struct NodeStart<W> {
    pub(super) settings: Settings,
    is_check: bool,
    is_init: bool,
    workload: W,
    reload: Reload,
}

impl<W: Workload> NodeStart<W> {
    /// Runs the node with this algorithm, or only checks its settings or creates its data folder.
    ///
    /// # Errors
    /// If the settings are invalid, or the node cannot be started.
    pub(super) fn with<A: Comparable>(self) -> Result<ExitCode, ServeError> {
        let config = configured::<A>(&self.settings)?;
        let setup = NodeSetup::<A>::new(self.settings, config)?;
        self.workload.check(&setup)?;
        // These checks look up host names. A node also does these checks when it is started. So
        // they are done here only if the node is not started, and each name is looked up only once.
        if self.is_check || self.is_init {
            let runtime = runtime()?;
            let result = runtime.block_on(checks::check(&setup));
            // A thread of the runtime may still query a name server that does not answer. Do not
            // wait for this thread.
            runtime.shutdown_timeout(Duration::ZERO);
            result?;
        }
        if self.is_check {
            if self.is_init {
                checks::check_no_record(&setup)?;
            } else {
                checks::check_record(&setup)?;
            }
            return checks::print_summary(&setup);
        }
        if self.is_init {
            let (folder, identity) = (&setup.data_dir, setup.identity());
            if setup.joins {
                FileStorage::format_to_join(folder, &identity)?;
            } else {
                let nodes = setup.members.nodes().iter().copied();
                FileStorage::format(folder, &identity, nodes)?;
            }
            return checks::print_formatted(&setup);
        }
        let heir = setup.has_heir.then(start_heir).flatten();
        runtime()?.block_on(run_node(setup, self.workload, heir, self.reload))
    }
}

fn runtime() -> Result<Runtime, ServeError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(ServeError::system("cannot start the runtime"))
}

/// Starts the heir of this process, which is the helper process that reports the death of this
/// process to the peers. Returns the process id of the heir, or `None` if the system does not allow
/// an heir.
fn start_heir() -> Option<u32> {
    // `appoint_privileged` is only for programs that never drop their privileges. This program
    // never drops its privileges.
    let heir = elector_heir::appoint_privileged();
    if let Err(error) = &heir {
        tracing::info!(
            target: "elector", %error,
            "heir not started: peers notice a crash a little later"
        );
    }
    heir.ok()
}

async fn run_node<A: ElectionAlgorithm>(
    setup: NodeSetup<A>,
    mut workload: impl Workload,
    heir: Option<u32>,
    reload: Reload,
) -> Result<ExitCode, ServeError> {
    let signals = Signals::new().map_err(ServeError::system("cannot handle signals"))?;
    let http = match &setup.http {
        Some(address) => Some(http::bind(address, setup.http_scope).await?),
        None => None,
    };
    if setup.joins {
        format_to_join(&setup).await?;
    }
    // `life_lock` takes a lock that the guardian, the process that stops the command of
    // `elector run`, must inherit. So this call must come before `prepare`, which starts the
    // guardian.
    let tcp = setup.tcp().life(life_lock(&setup));
    let tcp = workload.prepare(&setup, tcp, heir).await?;
    let monitor = tcp.monitor();
    let storage = FileStorage::at(&setup.data_dir, setup.identity());
    let record = storage.record();
    let elector = start(&setup, tcp, storage).await?;
    let (stop_http, stopped) = oneshot::channel::<()>();
    let http_task = http.map(|listener| {
        let mut metrics = workload.metrics();
        metrics.push(reload.log().metric());
        let service = service(&setup, &elector, &monitor, &record, metrics);
        tokio::spawn(async move {
            // `stopped` becomes ready when `stop_http` is dropped below.
            let stopped = async { drop(stopped.await) };
            service.serve(listener, stopped).await;
        })
    });
    let handle = NodeHandle::clone(&elector);
    let is_requested = Arc::new(AtomicBool::new(false));
    let signal_task = handle_signals(
        signals,
        reload.with_tls(setup.tls.clone()),
        handle.clone(),
        monitor,
        setup.leave_timeout,
        Arc::clone(&is_requested),
    );
    let is_lost = Arc::new(AtomicBool::new(false));
    let record_check =
        shut_down_without_record(record, handle, setup.leave_timeout, Arc::clone(&is_lost));
    let record_check = tokio::spawn(record_check);
    let mut code = workload.run(&setup, elector).await;
    record_check.abort();
    if is_lost.load(Ordering::Acquire) {
        code = ExitCode::from(run::NODE_FAILED);
    }
    if is_requested.load(Ordering::Acquire) {
        // The signal task still logs the result of the shutdown. An error of the task is a panic,
        // which is logged already.
        let _ = timeout(SHUTDOWN_LOG_TIMEOUT, signal_task).await;
    }
    drop(stop_http);
    if let Some(http_task) = http_task {
        // An error of this task is a panic, which is logged already.
        let _ = http_task.await;
    }
    Ok(code)
}

/// Creates the data folder of a node that joins a running cluster, unless the folder has a record.
/// The node does not vote before it is added or readmitted. So a new record does no harm, also if
/// the node has voted before and its disk was lost.
async fn format_to_join<A: ElectionAlgorithm>(setup: &NodeSetup<A>) -> Result<(), ServeError> {
    let folder = &setup.data_dir;
    if !matches!(
        FileStorage::inspect(folder),
        Err(RecordError::Missing { .. })
    ) {
        return Ok(());
    }
    // A start that fails because of a wrong setting must create no data folder, so the settings are
    // checked first.
    checks::check(setup).await?;
    FileStorage::format_to_join(folder, &setup.identity())?;
    tracing::info!(
        target: "elector", folder = %folder.display(),
        "data folder created for a node that joins a cluster"
    );
    Ok(())
}

/// Takes the lock of this life of the node, which is the process of the node from its start to its
/// end. Under `elector run`, the command and the guardian (the process that stops the command)
/// inherit the lock, and hold it, too. When the next life of the node gets the lock, this proves to
/// the peers that all processes of this life have ended. Without the lock, only the heir or the
/// guardian can prove the end.
fn life_lock<A: ElectionAlgorithm>(setup: &NodeSetup<A>) -> Option<LifeLock> {
    let lock = LifeLock::take(&setup.data_dir).and_then(|lock| {
        lock.iter().try_for_each(LifeLock::inherit)?;
        Ok(lock)
    });
    match &lock {
        Ok(Some(_)) => {}
        // There is no data folder, so the start of the node fails later, and reports this.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(None) => tracing::debug!(target: "elector", "life lock not available"),
        Err(error) => tracing::warn!(
            target: "elector",
            folder = %setup.data_dir.display(), %error,
            "life lock not taken: a restart of this node will not prove that its earlier life \
             has ended"
        ),
    }
    lock.unwrap_or_default()
}

async fn start<A: ElectionAlgorithm>(
    setup: &NodeSetup<A>,
    tcp: Tcp<A>,
    mut storage: FileStorage,
) -> Result<Elector<A::Guarantee>, ServeError> {
    let mut config = setup.config.clone();
    storage.prepare::<A>(&mut config, &setup.members)?;
    let ids = setup.members.nodes().iter().copied();
    let builder = Elector::builder(setup.name.as_str())
        .algorithm::<A>()
        .node_id(setup.members.me())
        .peers(ids)
        .config(config);
    // Saves may block the thread of the node: only the node runs on this thread, and it saves only
    // during elections.
    let storage = storage.on_node_thread();
    let tcp = tcp.record(storage.record());
    Ok(builder.storage(storage).transport(tcp).start().await?)
}
