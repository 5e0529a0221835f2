use std::pin::Pin;

use elector_core::{
    ElectionAlgorithm,
    actor::{AnyElector, Builder, Elector, StartError},
    debug_as_text,
};
use thiserror::Error;

use crate::{Algorithm, NotCompiledIn, Visitor};

/// The reason why a node of an algorithm that was chosen at run time could not start.
#[derive(Error)]
#[non_exhaustive]
pub enum AnyStartError {
    /// The algorithm is not compiled in.
    #[error(transparent)]
    NotCompiledIn(#[from] NotCompiledIn),
    /// The node could not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

debug_as_text!(AnyStartError);

/// The setup of a node, written for any algorithm.
pub trait SetUp {
    /// Completes the builder: sets node id, peers, transport, storage and configuration, as needed.
    fn set_up<A: ElectionAlgorithm>(self, builder: Builder<A>) -> Builder<A>;
}

impl Algorithm {
    /// Starts a node of this algorithm in the cluster `name`.
    ///
    /// ```
    /// # #[cfg(feature = "raft")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use elector::{
    ///     Algorithm, AnyLeadership, ElectionAlgorithm, GuaranteeKind, SetUp, actor::Builder,
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
    /// let elector = algorithm.start("billing", Alone).await?;
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
    ///
    /// # Errors
    /// If the algorithm is not compiled in, or the node cannot start.
    pub async fn start(
        self,
        name: &str,
        application: impl SetUp,
    ) -> Result<AnyElector, AnyStartError> {
        Ok(self.visit(Start { name, application })?.await?)
    }
}

struct Start<'a, S> {
    name: &'a str,
    application: S,
}

impl<S: SetUp> Visitor for Start<'_, S> {
    type Output = Pin<Box<dyn Future<Output = Result<AnyElector, StartError>> + Send>>;

    fn visit<A: ElectionAlgorithm>(self) -> Self::Output {
        let builder = Elector::builder(self.name).algorithm::<A>();
        let builder = self.application.set_up(builder);
        Box::pin(async { Ok(builder.start().await?.into()) })
    }
}
