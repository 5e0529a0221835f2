use elector_core::{Epoch, NodeId};
use serde::{Deserialize, Serialize};

/// The state that must survive a crash. The paper has no such state: its nodes recover without any
/// state.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BullyDurable {
    /// The epoch of the newest tenure that this node led, followed or contested (tried to take
    /// over). The epoch never goes back.
    pub epoch: Epoch,
    /// The coordinator of the tenure in `epoch`; `None` if this node has recognised no coordinator
    /// of `epoch`. A node recognises only one coordinator for an epoch, ever: another coordinator
    /// that claims the same epoch must move to a new epoch.
    pub coordinator: Option<NodeId>,
}
