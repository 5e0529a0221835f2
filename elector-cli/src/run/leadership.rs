use std::future::Future;

use elector_core::{
    Epoch, FencingToken, Guarantee, Moment, NodeId,
    actor::{Leadership, LeadershipLost},
};

/// The part of a [`Leadership`] that the supervisor of a command needs.
///
/// All futures must be safe to cancel.
pub trait CommandLeadership: Sync {
    /// The epoch of this leadership.
    fn epoch(&self) -> Epoch;

    /// The fencing token for the next start of the command. It is higher than the tokens of all
    /// earlier starts. `None` under best-effort algorithms.
    ///
    /// # Errors
    /// If the leadership has ended. It also ends when its epoch has no token left.
    fn next_token(&self) -> Result<Option<FencingToken>, LeadershipLost>;

    /// The end of the lease, as known now; `None` without a lease.
    fn deadline(&self) -> Option<Moment>;

    /// Waits until the deadline is later than `known`, and returns the deadline; `None` when the
    /// leadership has ended. Without a lease, it waits until the leadership has ended.
    fn prolonged(&self, known: Moment) -> impl Future<Output = Option<Moment>> + Send;

    /// Returns when the leadership is being given up, or has ended. While it is being given up, the
    /// node continues to lead until its work has ended.
    fn ending(&self) -> impl Future<Output = ()> + Send;

    /// Returns when the leadership has ended.
    fn lost(&self) -> impl Future<Output = ()> + Send;
}

impl<G: Guarantee> CommandLeadership for Leadership<G> {
    fn epoch(&self) -> Epoch {
        self.epoch()
    }

    fn next_token(&self) -> Result<Option<FencingToken>, LeadershipLost> {
        self.next_grant()
    }

    fn deadline(&self) -> Option<Moment> {
        self.deadline()
    }

    async fn prolonged(&self, known: Moment) -> Option<Moment> {
        self.prolonged(known).await.ok()
    }

    async fn ending(&self) {
        self.ending().await;
    }

    async fn lost(&self) {
        self.lost().await;
    }
}

/// The part of a leadership that one start of the command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartParameters {
    /// The value of `ELECTOR_EPOCH`.
    pub epoch: Epoch,
    /// The value of `ELECTOR_FENCING_TOKEN`; `None` under algorithms that have no tokens.
    pub token: Option<FencingToken>,
    /// The end of the lease, on the clock of [`elector_core::actor::now`]; `None` without a lease.
    /// No process of the command may be alive after the end of the lease.
    pub deadline: Option<Moment>,
}

impl StartParameters {
    /// The changes to the environment of the command. A variable without a value is removed.
    pub(super) fn environment(&self, node: NodeId) -> Vec<(String, Option<String>)> {
        let token = self.token.map(|token| token.to_string());
        vec![
            ("ELECTOR_NODE".to_owned(), Some(node.to_string())),
            ("ELECTOR_EPOCH".to_owned(), Some(self.epoch.to_string())),
            // A token that the node has inherited belongs to another leadership, so it is removed.
            ("ELECTOR_FENCING_TOKEN".to_owned(), token),
        ]
    }
}
