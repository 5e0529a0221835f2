use async_trait::async_trait;
use elector_core::{
    ElectionAlgorithm, GuaranteeKind, Membership, NodeId,
    actor::{CommandError, Elector, NodeError, Status, Traffic},
};

/// What is served of a node, whatever its algorithm.
#[async_trait]
pub(super) trait Node: Send + Sync + 'static {
    fn members(&self) -> &Membership;
    fn algorithm(&self) -> &'static str;
    fn guarantee(&self) -> GuaranteeKind;
    fn status(&self) -> Status;
    fn traffic(&self) -> Traffic;
    async fn stopped(&self) -> Result<(), NodeError>;
    async fn ping(&self) -> Result<(), CommandError>;
    async fn step_down(&self) -> Result<(), CommandError>;
    async fn transfer_to(&self, node: NodeId) -> Result<(), CommandError>;
}

#[async_trait]
impl<A: ElectionAlgorithm> Node for Elector<A> {
    fn members(&self) -> &Membership {
        self.members()
    }

    fn algorithm(&self) -> &'static str {
        A::NAME
    }

    fn guarantee(&self) -> GuaranteeKind {
        self.guarantee()
    }

    fn status(&self) -> Status {
        self.status()
    }

    fn traffic(&self) -> Traffic {
        self.traffic()
    }

    async fn stopped(&self) -> Result<(), NodeError> {
        self.stopped().await
    }

    async fn ping(&self) -> Result<(), CommandError> {
        self.ping().await
    }

    async fn step_down(&self) -> Result<(), CommandError> {
        self.step_down().await
    }

    async fn transfer_to(&self, node: NodeId) -> Result<(), CommandError> {
        self.transfer_to(node).await
    }
}
