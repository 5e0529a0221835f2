use std::future::Future;

use elector_core::{
    Epoch, FencingToken, Guarantee, Moment, NodeId,
    actor::{Leadership, LeadershipLost},
};

/// The part of a [`Leadership`] that [`supervise`](super::supervise()) needs.
///
/// All futures must be safe to cancel: the caller drops them and calls the method again.
pub trait CommandLeadership: Sync {
    /// Returns the epoch of this leadership.
    fn epoch(&self) -> Epoch;

    /// Returns the fencing token for the next start of the command. This token is higher than the
    /// tokens of all earlier starts. Returns `None` under best-effort algorithms, which have no
    /// tokens.
    ///
    /// # Errors
    /// If the leadership has ended. It also ends when its epoch has no token left.
    fn next_token(&self) -> Result<Option<FencingToken>, LeadershipLost>;

    /// Returns the end of the lease, as the node knows it now. Returns `None` without a lease.
    fn deadline(&self) -> Option<Moment>;

    /// Waits until the end of the lease is later than `known`, and returns this end. Returns `None`
    /// when the leadership has ended. Without a lease, this method waits until the leadership has
    /// ended.
    fn prolonged(&self, known: Moment) -> impl Future<Output = Option<Moment>> + Send;

    /// Waits until the node begins to give the leadership up, or has lost it. While a node gives
    /// the leadership up, it continues to lead until its work has ended.
    fn ending(&self) -> impl Future<Output = ()> + Send;

    /// Waits until the leadership has ended.
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

/// The values of a leadership that one start of the command needs.
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
    /// Returns the changes to the environment of the command. A variable with the value `None` is
    /// removed.
    pub(super) fn environment(&self, node: NodeId) -> Vec<(String, Option<String>)> {
        let token = self.token.map(|token| token.to_string());
        vec![
            ("ELECTOR_NODE".to_owned(), Some(node.to_string())),
            ("ELECTOR_EPOCH".to_owned(), Some(self.epoch.to_string())),
            // A node that was started inside a COMMAND has inherited a token of another leadership.
            // Without a token of its own, the variable is removed.
            ("ELECTOR_FENCING_TOKEN".to_owned(), token),
        ]
    }
}
