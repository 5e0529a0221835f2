use elector_core::{Configuration, Membership, Timing, TimingError};
use serde::{Deserialize, Serialize};

use crate::RaftConfig;

/// The configuration of [`RaftLog`](super::RaftLog): the one of its election, with one rule more.
///
/// A node must not have [`never_leads`](RaftConfig::never_leads). It could be the only living node
/// with a committed entry. It would then reject all candidates, and not campaign itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RaftLogConfig(pub RaftConfig);

impl Configuration for RaftLogConfig {
    fn timing(&self) -> &Timing {
        self.0.timing()
    }

    fn timing_mut(&mut self) -> &mut Timing {
        self.0.timing_mut()
    }

    fn validate(&self, members: &Membership) -> Result<(), TimingError> {
        if self.0.never_leads {
            let rule = "a node with a log cannot have never_leads: it may be the only one that has \
                        all entries";
            return Err(TimingError::Option(rule));
        }
        self.0.validate(members)
    }
}
