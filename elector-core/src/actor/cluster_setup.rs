use std::vec::Vec;

use crate::{ElectionAlgorithm, NodeId};

/// The setup of a [`Cluster`](super::Cluster).
///
/// ```
/// # use std::time::Duration;
/// # use elector_core::{ElectionAlgorithm, actor::{Cluster, ClusterSetup, StartError}};
/// use elector_core::Configuration; // For `timing_mut`.
///
/// async fn start_slow<A: ElectionAlgorithm>() -> Result<Cluster<A>, StartError> {
///     let mut setup = ClusterSetup::<A>::new(3);
///     setup.config.timing_mut().election_max = Duration::from_secs(2);
///     Cluster::start_with(setup).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ClusterSetup<A: ElectionAlgorithm> {
    /// The nodes. Their ids need not be consecutive.
    pub nodes: Vec<NodeId>,
    /// The algorithm's configuration, the same on every node. The durations are in
    /// [`config.timing_mut()`](crate::Configuration::timing_mut).
    pub config: A::Config,
    /// Whether the death of a killed node is reported to the other nodes immediately. The cluster
    /// has seen the node end, so the report is a proof of death: see
    /// [`Input::Died`](crate::Input::Died). Without the report, the other nodes only notice that
    /// the node is silent.
    pub reports_deaths: bool,
}

impl<A: ElectionAlgorithm> ClusterSetup<A> {
    /// Creates a setup with the nodes `1..=nodes` and the default configuration, in which the death
    /// of a killed node is reported to the other nodes.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        Self {
            nodes: (1..=nodes).map(NodeId).collect(),
            config: A::Config::default(),
            reports_deaths: true,
        }
    }
}
