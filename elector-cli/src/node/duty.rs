use std::{future::Future, os::fd::BorrowedFd, process::ExitCode};

use elector_core::{ElectionAlgorithm, actor::Elector};
use elector_net::{Farewell, Monitor, Tcp};

use super::{error::ServeError, plan::Plan, serve::code_of, service::Counted};

/// What a process does with its node beside keeping it.
pub(crate) trait Duty {
    /// Checks, before anything is opened, that it can be done under this plan.
    fn check<A: ElectionAlgorithm>(&self, plan: &Plan<A>) -> Result<(), ServeError>;

    /// Prepares for it, before the node is started. The heir of this process is its only child.
    fn prepare<A: ElectionAlgorithm>(
        &mut self,
        plan: &Plan<A>,
        tcp: Tcp<A>,
        heir: Option<u32>,
    ) -> impl Future<Output = Result<Tcp<A>, ServeError>>;

    /// What it counts, once it is prepared.
    fn counts(&self) -> Vec<Counted>;

    /// Does it, until the node has stopped; the exit code of the process.
    fn done<A: ElectionAlgorithm>(
        self,
        plan: &Plan<A>,
        elector: Elector<A::Guarantee>,
        monitor: Monitor,
    ) -> impl Future<Output = ExitCode>;
}

/// Taking part in elections is all it does.
pub(crate) struct Nothing;

impl Duty for Nothing {
    fn check<A: ElectionAlgorithm>(&self, _: &Plan<A>) -> Result<(), ServeError> {
        Ok(())
    }

    /// The heir of this process says when it has ended.
    async fn prepare<A: ElectionAlgorithm>(
        &mut self,
        _: &Plan<A>,
        tcp: Tcp<A>,
        heir: Option<u32>,
    ) -> Result<Tcp<A>, ServeError> {
        if heir.is_none() {
            return Ok(tcp);
        }
        let entrust = |farewell: &Farewell, connection: BorrowedFd<'_>| {
            elector_heir::entrust(farewell.bytes(), connection)
        };
        Ok(tcp.companion(entrust))
    }

    fn counts(&self) -> Vec<Counted> {
        Vec::new()
    }

    async fn done<A: ElectionAlgorithm>(
        self,
        _: &Plan<A>,
        elector: Elector<A::Guarantee>,
        _: Monitor,
    ) -> ExitCode {
        code_of(&elector.stopped().await)
    }
}
