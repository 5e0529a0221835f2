use std::time::Duration;

use super::{Backoff, Grace};

/// What [`Elector::lead`](super::Elector::lead) does when the work of the leader fails: it returns
/// an error, or panics, while the node leads.
///
/// The work is tried again on the same node, which goes on leading meanwhile: an election would
/// only move a failure of all nodes from one to the next. After too many failures in a row the node
/// must not stay the leader, as it would be a leader that does nothing.
///
/// By default the work is tried again 5 times within about 1.5 s, and then the node
/// [withdraws](AfterRetries::Withdraw).
///
/// ```
/// # use elector_core::actor::{AfterRetries, FailurePolicy};
/// // Try for ever; the operator hears of it from the status and the metrics.
/// let for_ever = FailurePolicy { retries: u32::MAX, ..FailurePolicy::default() };
/// // Let the service manager begin anew.
/// let restart = FailurePolicy { then: AfterRetries::ExitProcess, ..FailurePolicy::default() };
/// # assert_ne!(for_ever, restart);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailurePolicy {
    /// How often in a row work that has failed is tried again. Work that ran for longer than
    /// `longest_pause` starts the count anew. [`u32::MAX`] for ever.
    pub retries: u32,
    /// The pause before the second try. The first one is made at once, and each pause is the double
    /// of the one before.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// What is done when the last try has failed.
    pub then: AfterRetries,
}

/// What [`Elector::lead`](super::Elector::lead) does after the last retry has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterRetries {
    /// The node gives leadership up and takes none any more, and `lead` returns the error. The node
    /// goes on voting. If it is elected nevertheless, it hands over at once, and with growing
    /// pauses if that happens again and again. The [status](super::Status::work) says so, until
    /// `lead` or `campaign` is called again.
    #[default]
    Withdraw,
    /// The node [leaves](super::NodeHandle::leave) the cluster within about five seconds, and the
    /// process ends with the exit code 1. For processes that a service manager starts again.
    ExitProcess,
}

impl Default for FailurePolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_secs(10),
            then: AfterRetries::default(),
        }
    }
}

impl FailurePolicy {
    /// The first failure is the last: the node withdraws, and `lead` returns.
    #[must_use]
    pub fn withdraw_at_once() -> Self {
        Self {
            retries: 0,
            ..Self::default()
        }
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff::new(self.first_pause, self.longest_pause)
    }
}

/// How [`Elector::lead_with`](super::Elector::lead_with) treats the work of the leader.
///
/// ```
/// # use std::time::Duration;
/// # use elector_core::actor::{FailurePolicy, Grace, LeadOptions};
/// let options = LeadOptions {
///     grace: Grace { to_finish: Duration::from_secs(10), ..Grace::default() },
///     on_failure: FailurePolicy::withdraw_at_once(),
/// };
/// // Where only one of them is to be told:
/// assert_eq!(LeadOptions::from(options.grace).on_failure, FailurePolicy::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeadOptions {
    /// How long the work may go on when its leadership ends.
    pub grace: Grace,
    /// What is done when the work fails.
    pub on_failure: FailurePolicy,
}

impl From<Grace> for LeadOptions {
    fn from(grace: Grace) -> Self {
        Self {
            grace,
            ..Self::default()
        }
    }
}

impl From<FailurePolicy> for LeadOptions {
    fn from(on_failure: FailurePolicy) -> Self {
        Self {
            on_failure,
            ..Self::default()
        }
    }
}
