mod cluster;
mod leadership;

use std::time::Duration;

use elector_core::{
    ElectionAlgorithm, Guarantee, GuaranteeKind, Membership, NodeId,
    actor::{
        BoxError, Builder, CommandError, Elector, Events, LeadError, LeadOptions, NodeError,
        ShutdownError, StartError, Status, Traffic,
    },
};
use thiserror::Error;
use tokio::sync::watch;

use crate::Algorithm;

pub use cluster::{AnyCluster, AnyClusterSetup};
pub use leadership::AnyLeadership;

/// Why a node of an algorithm chosen at run time could not be started.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnyStartError {
    /// The algorithm is not compiled in.
    #[error("{0} is not compiled in: turn on the feature `{0}` of elector")]
    NotCompiledIn(Algorithm),
    /// The node could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// What an application says about a node, whatever the algorithm.
pub trait SetUp {
    /// Completes the builder: node id, peers, transport, storage, configuration.
    fn set_up<A: ElectionAlgorithm>(self, builder: Builder<A>) -> Builder<A>;
}

/// An [`Elector`] of an algorithm that was chosen at run time.
///
/// ```
/// # #[cfg(feature = "raft")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use elector::{
///     Algorithm, AnyElector, AnyLeadership, ElectionAlgorithm, GuaranteeKind, SetUp,
///     actor::Builder,
/// };
///
/// struct Alone;
///
/// impl SetUp for Alone {
///     fn set_up<A: ElectionAlgorithm>(self, builder: Builder<A>) -> Builder<A> {
///         builder.node_id(1).peers([1])
///     }
/// }
///
/// let algorithm: Algorithm = "raft".parse()?;
/// assert_eq!(algorithm.guarantee(), GuaranteeKind::Quorum);
/// let elector = AnyElector::start(algorithm, "billing", Alone).await?;
/// match elector.campaign().await? {
///     AnyLeadership::Quorum(me) => println!("writing under token {:?}", me.token()?),
///     AnyLeadership::BestEffort(_) => println!("doing only what may be done twice"),
/// }
/// elector.shutdown().await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "raft"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyElector {
    /// See [`Algorithm::Raft`].
    #[cfg(feature = "raft")]
    Raft(Elector<elector_raft::Raft>),
    /// See [`Algorithm::Paxos`].
    #[cfg(feature = "paxos")]
    Paxos(Elector<elector_paxos::Paxos>),
    /// See [`Algorithm::Bully`].
    #[cfg(feature = "bully")]
    Bully(Elector<elector_bully::Bully>),
    /// See [`Algorithm::Ring`].
    #[cfg(feature = "ring")]
    Ring(Elector<elector_ring::Ring>),
}

/// The same expression for whichever algorithm it is.
macro_rules! each {
    ($any:expr, $elector:ident => $do:expr) => {
        match $any {
            #[cfg(feature = "raft")]
            AnyElector::Raft($elector) => $do,
            #[cfg(feature = "paxos")]
            AnyElector::Paxos($elector) => $do,
            #[cfg(feature = "bully")]
            AnyElector::Bully($elector) => $do,
            #[cfg(feature = "ring")]
            AnyElector::Ring($elector) => $do,
        }
    };
}

impl AnyElector {
    /// Starts a node of this algorithm in the cluster `name`.
    ///
    /// # Errors
    /// If the algorithm is not compiled in, or the node cannot be started.
    pub async fn start(
        algorithm: Algorithm,
        name: &str,
        application: impl SetUp,
    ) -> Result<Self, AnyStartError> {
        match algorithm {
            #[cfg(feature = "raft")]
            Algorithm::Raft => Ok(Self::Raft(started(name, application).await?)),
            #[cfg(feature = "paxos")]
            Algorithm::Paxos => Ok(Self::Paxos(started(name, application).await?)),
            #[cfg(feature = "bully")]
            Algorithm::Bully => Ok(Self::Bully(started(name, application).await?)),
            #[cfg(feature = "ring")]
            Algorithm::Ring => Ok(Self::Ring(started(name, application).await?)),
            #[allow(unreachable_patterns, reason = "with all features on, nothing is left")]
            absent => Err(AnyStartError::NotCompiledIn(absent)),
        }
    }

    /// Which it is.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            #[cfg(feature = "raft")]
            Self::Raft(_) => Algorithm::Raft,
            #[cfg(feature = "paxos")]
            Self::Paxos(_) => Algorithm::Paxos,
            #[cfg(feature = "bully")]
            Self::Bully(_) => Algorithm::Bully,
            #[cfg(feature = "ring")]
            Self::Ring(_) => Algorithm::Ring,
        }
    }

    /// What may be relied on.
    #[must_use]
    pub fn guarantee(&self) -> GuaranteeKind {
        self.algorithm().guarantee()
    }

    /// See [`Elector::node_id`].
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        each!(self, elector => elector.node_id())
    }

    /// See [`Elector::members`].
    #[must_use]
    pub fn members(&self) -> &Membership {
        each!(self, elector => elector.members())
    }

    /// See [`Elector::traffic`].
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        each!(self, elector => elector.traffic())
    }

    /// See [`Elector::status`].
    #[must_use]
    pub fn status(&self) -> Status {
        each!(self, elector => elector.status())
    }

    /// See [`Elector::subscribe`].
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Status> {
        each!(self, elector => elector.subscribe())
    }

    /// See [`Elector::events`].
    #[must_use]
    pub fn events(&self) -> Events {
        each!(self, elector => elector.events())
    }

    /// See [`Elector::lead`].
    ///
    /// # Errors
    /// As [`Elector::lead`].
    pub async fn lead<F, Fut>(&self, mut work: F) -> Result<(), LeadError>
    where
        F: FnMut(AnyLeadership) -> Fut + Send,
        Fut: Future<Output = Result<(), BoxError>> + Send,
    {
        each!(self, elector => elector.lead(|leadership| work(leadership.into())).await)
    }

    /// See [`Elector::lead_with`].
    ///
    /// # Errors
    /// As [`Elector::lead_with`].
    pub async fn lead_with<F, Fut>(
        &self,
        options: impl Into<LeadOptions> + Send,
        mut work: F,
    ) -> Result<(), LeadError>
    where
        F: FnMut(AnyLeadership) -> Fut + Send,
        Fut: Future<Output = Result<(), BoxError>> + Send,
    {
        let options = options.into();
        each!(self, elector => {
            elector.lead_with(options, |leadership| work(leadership.into())).await
        })
    }

    /// See [`Elector::campaign`].
    ///
    /// # Errors
    /// As [`Elector::campaign`].
    pub async fn campaign(&self) -> Result<AnyLeadership, CommandError> {
        each!(self, elector => Ok(elector.campaign().await?.into()))
    }

    /// See [`Elector::step_down`].
    ///
    /// # Errors
    /// As [`Elector::step_down`].
    pub async fn step_down(&self) -> Result<(), CommandError> {
        each!(self, elector => elector.step_down().await)
    }

    /// See [`Elector::transfer_to`].
    ///
    /// # Errors
    /// As [`Elector::transfer_to`].
    pub async fn transfer_to(&self, node: impl Into<NodeId>) -> Result<(), CommandError> {
        each!(self, elector => elector.transfer_to(node).await)
    }

    /// See [`Elector::shutdown`].
    ///
    /// # Errors
    /// As [`Elector::shutdown`].
    pub async fn shutdown(&self) -> Result<(), NodeError> {
        each!(self, elector => elector.shutdown().await)
    }

    /// See [`Elector::shutdown_within`].
    ///
    /// # Errors
    /// As [`Elector::shutdown_within`].
    pub async fn shutdown_within(&self, limit: Duration) -> Result<(), ShutdownError> {
        each!(self, elector => elector.shutdown_within(limit).await)
    }

    /// See [`Elector::leave`].
    ///
    /// # Errors
    /// As [`Elector::leave`].
    pub async fn leave(&self, limit: Duration) -> Result<Option<NodeId>, ShutdownError> {
        each!(self, elector => elector.leave(limit).await)
    }

    /// See [`Elector::stopped`].
    ///
    /// # Errors
    /// As [`Elector::stopped`].
    pub async fn stopped(&self) -> Result<(), NodeError> {
        each!(self, elector => elector.stopped().await)
    }
}

async fn started<A: ElectionAlgorithm>(
    name: &str,
    application: impl SetUp,
) -> Result<Elector<A>, StartError> {
    application.set_up(Elector::builder(name)).start().await
}

/// The names and guarantees in [`Algorithm`] are those of the algorithms themselves.
#[allow(
    dead_code,
    reason = "with no algorithm compiled in there is nothing to check"
)]
const fn is<A: ElectionAlgorithm>(algorithm: Algorithm) -> bool {
    let (name, known) = (A::NAME.as_bytes(), algorithm.name().as_bytes());
    let mut same = name.len() == known.len();
    let mut at = 0;
    while same && at < name.len() {
        same = name[at] == known[at];
        at += 1;
    }
    same && A::Guarantee::KIND as u8 == algorithm.guarantee() as u8
}

#[cfg(feature = "raft")]
const _: () = assert!(is::<elector_raft::Raft>(Algorithm::Raft));
#[cfg(feature = "paxos")]
const _: () = assert!(is::<elector_paxos::Paxos>(Algorithm::Paxos));
#[cfg(feature = "bully")]
const _: () = assert!(is::<elector_bully::Bully>(Algorithm::Bully));
#[cfg(feature = "ring")]
const _: () = assert!(is::<elector_ring::Ring>(Algorithm::Ring));
