use elector_core::{Epoch, FencingToken, Moment, NodeId};

/// What a command is started under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// For `ELECTOR_EPOCH`.
    pub epoch: Epoch,
    /// For `ELECTOR_FENCING_TOKEN`; `None` under algorithms that give none.
    pub token: Option<FencingToken>,
    /// When the lease ends, on the clock of [`elector_core::actor::now`]; `None` without a lease.
    /// By then no process of the command lives.
    pub deadline: Option<Moment>,
}

impl Tenure {
    pub(super) fn environment(&self, node: NodeId) -> Vec<(String, Option<String>)> {
        let token = self.token.map(|token| token.to_string());
        vec![
            ("ELECTOR_NODE".to_owned(), Some(node.to_string())),
            ("ELECTOR_EPOCH".to_owned(), Some(self.epoch.to_string())),
            // One that the node has inherited is another's, and is taken out.
            ("ELECTOR_FENCING_TOKEN".to_owned(), token),
        ]
    }
}
