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
    actor::{self, Elector, NodeHandle},
};
use elector_net::{FileStorage, Identity, LifeLock, Tcp, http};
use tokio::{runtime, sync::oneshot, time::timeout};

use super::{
    algorithm::configured,
    arguments::NodeArguments,
    checks,
    duty::Duty,
    ending::{end_without_record, obey},
    error::ServeError,
    log,
    plan::Plan,
    reload::Reload,
    service::service,
    settings::{LogFormat, Settings},
    signals::Signals,
    views::tell,
};
use crate::{
    FAILED,
    environment::{self, Unknown},
    output,
};

/// How long a node that has ended may take to say so.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The exit code when the node stopped by itself.
const NODE_FAILED: u8 = 3;

/// Runs a node, and whatever is to be done with it: `go` starts it under its algorithm.
///
/// # Errors
/// If the node cannot be started, and the log is not in JSON: then that is told here.
pub(super) fn serve<D: Duty>(
    arguments: NodeArguments,
    duty: D,
    go: impl FnOnce(Start<D>) -> Result<ExitCode, ServeError>,
) -> Result<ExitCode, ServeError> {
    let mut format = arguments.settings.log_format;
    let served = serve_in(&mut format, arguments, duty, go);
    match served {
        Err(error) if format == Some(LogFormat::Json) => {
            output::warn(&log::last_word(&error));
            Ok(ExitCode::from(FAILED))
        }
        served => served,
    }
}

/// The same. The format of the log is also that of the file, as soon as that is read.
fn serve_in<D: Duty>(
    format: &mut Option<LogFormat>,
    arguments: NodeArguments,
    duty: D,
    go: impl FnOnce(Start<D>) -> Result<ExitCode, ServeError>,
) -> Result<ExitCode, ServeError> {
    let flags = arguments.settings;
    let settings = flags.clone().with_file()?;
    *format = settings.log_format;
    let log = log::begin(&settings)?;
    warn_of_unknown();
    let act = match (arguments.check_config, arguments.init) {
        (true, true) => Act::CheckFormat,
        (true, false) => Act::Check,
        (false, true) => Act::Format,
        (false, false) => Act::Serve,
    };
    let served = go(Start {
        settings,
        act,
        duty,
        reload: Reload::new(flags, log.clone()),
    });
    log.flush();
    served
}

/// Tells of variables that were most likely meant to be settings.
fn warn_of_unknown() {
    for Unknown { name, nearest } in environment::unknown() {
        tracing::warn!(
            target: "elector", variable = name, nearest,
            "this variable is no setting and has no effect: correct its name, or remove it"
        );
    }
}

/// What is to be done with the plan of a node.
enum Act {
    Check,
    CheckFormat,
    Format,
    Serve,
}

/// A node before its algorithm is chosen.
pub(crate) struct Start<D> {
    pub(super) settings: Settings,
    act: Act,
    duty: D,
    reload: Reload,
}

impl<D: Duty> Start<D> {
    /// Starts it under this algorithm, or does what else is to be done with its plan.
    ///
    /// # Errors
    /// If the settings do not fit, or the node cannot be started.
    pub(super) fn with<A: Comparable>(self) -> Result<ExitCode, ServeError> {
        let config = configured::<A>(&self.settings)?;
        let plan = Plan::<A>::new(self.settings, config)?;
        self.duty.check(&plan)?;
        // A start finds out by itself, and looks names up only once.
        if !matches!(self.act, Act::Serve) {
            checks::check(&plan)?;
        }
        match self.act {
            Act::Check => {
                checks::check_record(&plan)?;
                return checks::checked(&plan);
            }
            Act::CheckFormat => {
                checks::check_no_record(&plan)?;
                return checks::checked(&plan);
            }
            Act::Format => {
                let nodes = plan.members.nodes().iter().copied();
                FileStorage::format(&plan.data_dir, &identity(&plan), nodes)?;
                return checks::formatted(&plan);
            }
            Act::Serve => {}
        }
        let heir = plan.heir.then(appoint).flatten();
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| ServeError::System {
            what: "the runtime cannot be started",
            source,
        })?;
        runtime.block_on(run(plan, self.duty, heir, self.reload))
    }
}

/// The heir of this process, if there can be one.
fn appoint() -> Option<u32> {
    // This command drops no privileges.
    let appointed = elector_heir::appoint_privileged();
    if let Err(error) = &appointed {
        tracing::info!(target: "elector", %error, "peers will notice a crash a little later");
    }
    appointed.ok()
}

pub(super) fn identity<A: ElectionAlgorithm>(plan: &Plan<A>) -> Identity {
    Identity::of::<A>(plan.name.as_str(), plan.members.me())
}

async fn run<A: ElectionAlgorithm>(
    plan: Plan<A>,
    mut duty: impl Duty,
    heir: Option<u32>,
    reload: Reload,
) -> Result<ExitCode, ServeError> {
    let signals = Signals::new().map_err(|source| ServeError::System {
        what: "signals cannot be handled",
        source,
    })?;
    let http = match &plan.http {
        Some(address) => Some(http::bind(address, plan.http_beyond_loopback).await?),
        None => None,
    };
    // Before a guardian is started, which inherits it.
    let tcp = tcp(&plan).life(life(&plan));
    let tcp = duty.prepare(&plan, tcp, heir).await?;
    let monitor = tcp.monitor();
    let storage = FileStorage::at(&plan.data_dir, identity(&plan));
    let record = storage.record();
    let elector = start(&plan, tcp, storage).await?;
    tell(&elector);
    let (stop_http, stopped) = oneshot::channel::<()>();
    let serving = http.map(|listener| {
        let mut counts = duty.counts();
        counts.push(reload.log().counted());
        let service = service(&plan, &elector, &monitor, &record, counts);
        tokio::spawn(async move {
            // Dropped: it is to stop.
            let stopped = async { drop(stopped.await) };
            service.serve(listener, stopped).await;
        })
    });
    let told = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&told);
    let reload = reload.with(plan.tls.clone());
    let seen = monitor.clone();
    let handle = NodeHandle::clone(&elector);
    let ending = obey(signals, reload, handle.clone(), seen, plan.leave, flag);
    let lost = Arc::new(AtomicBool::new(false));
    let looking = end_without_record(record, handle, plan.leave, Arc::clone(&lost));
    let looking = tokio::spawn(looking);
    let mut code = duty.done(&plan, elector, monitor).await;
    looking.abort();
    if lost.load(Ordering::Acquire) {
        code = ExitCode::from(NODE_FAILED);
    }
    if told.load(Ordering::Acquire) {
        // It has yet to say how that went; if it cannot, that was told already.
        let _ = timeout(A_MOMENT, ending).await;
    }
    drop(stop_http);
    if let Some(serving) = serving {
        // If it panicked, its panic was told already.
        let _ = serving.await;
    }
    Ok(code)
}

pub(super) fn tcp<A: ElectionAlgorithm>(plan: &Plan<A>) -> Tcp<A> {
    let mut tcp = Tcp::new(plan.name.as_str(), plan.peers.clone(), plan.config.clone())
        .plaintext_beyond_loopback(plan.plaintext)
        .detection(plan.detection)
        .trust_refused(plan.trust_refused);
    if let Some(address) = &plan.listen {
        tcp = tcp.listen(address);
    }
    match &plan.tls {
        Some(tls) => tcp.tls(tls.clone()),
        None => tcp,
    }
}

/// The lock of this life of the node, which its guardian and its command hold, too. Without one the
/// end of this life is proved by the companion, or by none.
fn life<A: ElectionAlgorithm>(plan: &Plan<A>) -> Option<LifeLock> {
    let taken = LifeLock::take(&plan.data_dir).and_then(|taken| {
        taken.iter().try_for_each(LifeLock::inherit)?;
        Ok(taken)
    });
    match &taken {
        Ok(Some(_)) => {}
        // The node does not start, and says why.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(None) => tracing::debug!(target: "elector", "there is no lock for this life"),
        Err(error) => tracing::warn!(
            target: "elector",
            folder = %plan.data_dir.display(), %error,
            "the lock of this life cannot be taken: a restart will not prove that it is over"
        ),
    }
    taken.unwrap_or_default()
}

async fn start<A: ElectionAlgorithm>(
    plan: &Plan<A>,
    tcp: Tcp<A>,
    storage: FileStorage,
) -> Result<Elector<A::Guarantee>, ServeError> {
    let builder = Elector::builder(plan.name.as_str())
        .algorithm::<A>()
        .node_id(plan.members.me())
        .peers(plan.peers.clone())
        .config(plan.config.clone());
    // Nothing but the node is on that thread, and it saves in elections only.
    let storage = storage.on_node_thread(true);
    let tcp = tcp.record(storage.record());
    Ok(builder.storage(storage).transport(tcp).start().await?)
}

/// The exit code for the end of a node.
pub(crate) fn code_of(end: &Result<(), actor::NodeError>) -> ExitCode {
    match end {
        Ok(()) => ExitCode::SUCCESS,
        // It was logged by the node.
        Err(_) => ExitCode::from(NODE_FAILED),
    }
}
