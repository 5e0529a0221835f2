use std::{future::Future, os::fd::BorrowedFd, process::ExitCode};

use elector_core::{
    ElectionAlgorithm,
    actor::{Elector, NodeError},
};
use elector_net::{Farewell, Tcp};

use super::{error::ServeError, metrics::Metric, setup::NodeSetup};
use crate::run;

/// What the process of a node does beside the elections: nothing ([`ElectionOnly`]), or run a
/// command while the node leads (`Supervision`).
pub(crate) trait Workload {
    /// Checks that this work is possible with the settings of the node. The caller does this before
    /// it opens any file or socket.
    fn check<A: ElectionAlgorithm>(&self, setup: &NodeSetup<A>) -> Result<(), ServeError>;

    /// Prepares the work before the node is started, and returns `tcp` with the settings that the
    /// work needs. `heir` is the process id of the heir, a helper process that is the only child of
    /// this process.
    fn prepare<A: ElectionAlgorithm>(
        &mut self,
        setup: &NodeSetup<A>,
        tcp: Tcp<A>,
        heir: Option<u32>,
    ) -> impl Future<Output = Result<Tcp<A>, ServeError>>;

    /// Returns the metrics of this work. Call [`prepare`](Self::prepare) before.
    fn metrics(&self) -> Vec<Metric>;

    /// Does the work until the node has stopped, and returns the exit code of the process.
    fn run<A: ElectionAlgorithm>(
        self,
        setup: &NodeSetup<A>,
        elector: Elector<A::Guarantee>,
    ) -> impl Future<Output = ExitCode>;
}

/// The workload of `elector node`, which does nothing beside the elections.
pub(crate) struct ElectionOnly;

impl Workload for ElectionOnly {
    fn check<A: ElectionAlgorithm>(&self, _: &NodeSetup<A>) -> Result<(), ServeError> {
        Ok(())
    }

    /// Makes the heir, which is a helper process, send a proof of death to the peers when this
    /// process has ended.
    async fn prepare<A: ElectionAlgorithm>(
        &mut self,
        _: &NodeSetup<A>,
        tcp: Tcp<A>,
        heir: Option<u32>,
    ) -> Result<Tcp<A>, ServeError> {
        if heir.is_none() {
            return Ok(tcp);
        }
        let entrust = |farewell: &Farewell, connection: BorrowedFd<'_>| {
            elector_heir::entrust(farewell.bytes(), connection)
        };
        Ok(tcp.watcher(entrust))
    }

    fn metrics(&self) -> Vec<Metric> {
        Vec::new()
    }

    async fn run<A: ElectionAlgorithm>(
        self,
        _: &NodeSetup<A>,
        elector: Elector<A::Guarantee>,
    ) -> ExitCode {
        exit_code(&elector.stopped().await)
    }
}

/// Returns the exit code of the process for this result of the node.
pub(super) fn exit_code(end: &Result<(), NodeError>) -> ExitCode {
    match end {
        Ok(()) => ExitCode::SUCCESS,
        // The node has logged the error, so it is not printed here.
        Err(_) => ExitCode::from(run::NODE_FAILED),
    }
}
