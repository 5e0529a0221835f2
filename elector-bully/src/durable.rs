use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

/// The state that must survive a crash. The paper has no such state: its nodes recover empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BullyDurable {
    /// The epoch of the newest tenure that this node led, followed or contested. Never goes back.
    pub epoch: Epoch,
    /// The coordinator of that tenure; `None` before the first one. A node recognises only one
    /// coordinator for an epoch, ever: another one that claims this epoch must move to a new one.
    pub coordinator: Option<NodeId>,
}
