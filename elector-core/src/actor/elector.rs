use std::{fmt, marker::PhantomData, ops::Deref, string::String};

use super::{builder::ElectorBuilder, handle::NodeHandle};
use crate::{Guarantee, Quorum};

/// The handle with which an application uses a node. The type parameter `G` is the guarantee of the
/// node's algorithm. The handle is cheap to clone. When the last handle of a node is dropped, the
/// node stops.
///
/// An elector dereferences to [`NodeHandle`], which has all functions that do not depend on the
/// guarantee: status, events, commands and shutdown.
///
/// ```
/// use elector_core::{NodeId, actor::Elector};
/// # use elector_core::{BestEffort, ElectionAlgorithm, Epoch, Input, Membership, Message, Outbox,
/// #     Purpose, Timing, View};
/// # #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
/// #     serde::Deserialize)]
/// # struct Nothing;
/// # impl Message for Nothing {
/// #     fn kind(&self) -> &'static str { "Nothing" }
/// #     fn purpose(&self) -> Purpose { Purpose::Election }
/// # }
/// # #[derive(Clone, Debug, PartialEq, Eq, Hash)]
/// # struct Alone(Membership, Epoch);
/// # impl ElectionAlgorithm for Alone {
/// #     const NAME: &'static str = "alone";
/// #     type Guarantee = BestEffort;
/// #     type Config = Timing;
/// #     type Message = Nothing;
/// #     type Timer = ();
/// #     type Durable = Epoch;
/// #     fn restore(_: &Timing, members: Membership, epoch: Epoch) -> Self { Self(members, epoch) }
/// #     fn durable(&self) -> &Epoch { &self.1 }
/// #     fn view(&self) -> View {
/// #         if self.1 == Epoch(0) { View::default() } else { View::leading(self.1, self.0.me()) }
/// #     }
/// #     fn step(&mut self, _: Input<Nothing, ()>, _: &mut Outbox<Self>) { self.1 = Epoch(1); }
/// # }
/// # type Raft = Alone; // The stand-in for an algorithm of another crate.
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A cluster of one; several nodes need a transport, and disks.
/// let builder = Elector::builder("billing").algorithm::<Raft>();
/// let elector = builder.node_id(1).peers([1]).start().await?;
/// let leader = elector.clone();
/// let leading = tokio::spawn(async move {
///     let work = leader.lead(async |me| {
///         println!("epoch {}", me.epoch()); // Only one node does this.
///         me.lost().await;
///     });
///     work.await
/// });
/// elector.subscribe().wait_for(|status| status.holds_leadership()).await?;
/// elector.shutdown().await?;
/// leading.await??;
/// # Ok(())
/// # }
/// ```
pub struct Elector<G: Guarantee> {
    handle: NodeHandle,
    guarantee: PhantomData<fn() -> G>,
}

/// `Elector::builder` exists only for `Elector<Quorum>`, so that Rust can infer the type parameter
/// of the call `Elector::builder(..)`. The guarantee `Quorum` means nothing here: the next call
/// chooses the algorithm, and the elector that is started has the guarantee of this algorithm.
impl Elector<Quorum> {
    /// Starts the setup of a node of the cluster `name`.
    #[must_use]
    pub fn builder(name: impl Into<String>) -> ElectorBuilder {
        ElectorBuilder::new(name.into())
    }
}

impl<G: Guarantee> Elector<G> {
    /// Creates the handle. The algorithm of the node must have the guarantee `G`.
    pub(super) fn new(handle: NodeHandle) -> Self {
        debug_assert_eq!(handle.guarantee(), G::KIND);
        Self {
            handle,
            guarantee: PhantomData,
        }
    }

    pub(super) fn into_handle(self) -> NodeHandle {
        self.handle
    }
}

/// Dereferences to [`NodeHandle`], whose methods do not depend on the guarantee.
impl<G: Guarantee> Deref for Elector<G> {
    type Target = NodeHandle;

    fn deref(&self) -> &NodeHandle {
        &self.handle
    }
}

impl<G: Guarantee> Clone for Elector<G> {
    fn clone(&self) -> Self {
        Self::new(self.handle.clone())
    }
}

impl<G: Guarantee> fmt::Debug for Elector<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show("Elector", f)
    }
}
