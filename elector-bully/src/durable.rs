use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

/// What a node must still know after a crash. The paper has none of it: its nodes recover blank.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BullyDurable {
    /// The newest tenure that the node led, followed or contested. Never goes back.
    pub epoch: Epoch,
    /// The coordinator of that tenure; `None` before any. A node knows one coordinator for an
    /// epoch, ever: another that claims the same epoch must number itself anew.
    pub coordinator: Option<NodeId>,
}
