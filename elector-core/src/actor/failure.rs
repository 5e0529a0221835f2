use std::time::Duration;

use super::{Backoff, Grace};

/// What [`Elector::lead`](super::Elector::lead) does when the work of the leader fails, which means
/// that the work returns an error or panics while the node leads.
///
/// `lead` tries the work again on the same node, which continues to lead. The reason: if the work
/// fails on all nodes, an election would only move the failure from one node to the next. After too
/// many failures in a row the node must not stay the leader, because the cluster would have a
/// leader without work.
///
/// By default `lead` tries the work again 5 times within about 1.5 s. Then the node
/// [withdraws](AfterRetries::Withdraw): it takes no leadership any more.
///
/// ```
/// # use elector_core::actor::{AfterRetries, FailurePolicy};
/// // Try for ever; the status and the metrics show the failures.
/// let for_ever = FailurePolicy { retries: u32::MAX, ..FailurePolicy::default() };
/// // Let the service manager start the process again.
/// let restart = FailurePolicy { then: AfterRetries::ExitProcess, ..FailurePolicy::default() };
/// # assert_ne!(for_ever, restart);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailurePolicy {
    /// How often in a row `lead` tries failed work again. If the work ran for longer than
    /// `longest_pause` before it failed, the count starts again. Use [`u32::MAX`] to try for ever.
    pub retries: u32,
    /// The pause before the second retry. The first retry has no pause, and each further pause is
    /// twice the previous one.
    pub first_pause: Duration,
    /// The longest pause between two tries of the work.
    pub longest_pause: Duration,
    /// What to do when the last retry has failed.
    pub then: AfterRetries,
}

/// What [`Elector::lead`](super::Elector::lead) does after the last retry has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterRetries {
    /// The node gives its leadership up and takes no leadership any more, and `lead` returns the
    /// error. The node still votes. If it is elected nevertheless, it steps down in favour of
    /// another node immediately. If it is elected again and again, it steps down after growing
    /// pauses. The [status](super::Status::work) shows that the node has withdrawn, until `lead` or
    /// `campaign` is called again.
    #[default]
    Withdraw,
    /// The node [leaves](super::NodeHandle::leave) the cluster within about five seconds, and the
    /// process exits with code 1. Use this variant for processes that a service manager restarts.
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
    /// Returns a policy without retries: after the first failure the node
    /// [withdraws](AfterRetries::Withdraw), and `lead` returns.
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

/// How [`Elector::lead_with`](super::Elector::lead_with) runs the work of the leader.
///
/// ```
/// # use std::time::Duration;
/// # use elector_core::actor::{FailurePolicy, Grace, LeadOptions};
/// let options = LeadOptions {
///     grace: Grace { to_finish: Duration::from_secs(10), ..Grace::default() },
///     on_failure: FailurePolicy::withdraw_at_once(),
/// };
/// // If only one of them differs from the default:
/// assert_eq!(LeadOptions::from(options.grace).on_failure, FailurePolicy::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeadOptions {
    /// How long the work may go on when its leadership ends.
    pub grace: Grace,
    /// What to do when the work fails.
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
