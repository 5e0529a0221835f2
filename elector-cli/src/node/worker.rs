use std::{pin::pin, process::ExitCode, time::Duration};

use elector_core::{
    Guarantee,
    actor::{
        BoxError, Elector, FailurePolicy, Grace, LeadError, LeadOptions, Leadership, NodeHandle,
    },
};
use tokio::sync::{Mutex, SetOnce};

use crate::run::{self, Backoff, CommandHandle, ExitPolicy, TenureEnd};

/// That the node ends, because of the end of its command or of the guardian.
struct Verdict {
    /// The exit code of the process.
    code: u8,
    why: String,
}

/// What runs the command in each tenure, and is kept from one to the next.
pub(super) struct Worker {
    guard: Mutex<(CommandHandle, Backoff)>,
    policy: ExitPolicy,
    verdict: SetOnce<Verdict>,
    /// The node gives leadership up when the work is not polled for this time: its command is dead
    /// by then, for the guardian hears of no longer lease.
    patience: Duration,
}

impl Worker {
    /// The node gives leadership up when this is not polled for `patience`.
    pub(super) fn new(guard: CommandHandle, policy: ExitPolicy, patience: Duration) -> Self {
        Self {
            guard: Mutex::new((guard, Backoff::default())),
            policy,
            verdict: SetOnce::new(),
            patience,
        }
    }

    /// Leads until the node stops, the guardian is `gone`, or the end of the command is that of the
    /// node.
    pub(super) async fn lead<G: Guarantee>(
        &self,
        elector: &Elector<G>,
        grace: Grace,
        gone: impl Future<Output = ()>,
    ) -> Result<(), LeadError> {
        let options = LeadOptions {
            grace,
            // It does not fail but by a fault of this program.
            on_failure: FailurePolicy::withdraw_at_once(),
        };
        let led = elector.lead_with(options, |me| self.watched(me));
        unless_decided(led, gone, &self.guard, &self.verdict).await
    }

    async fn watched<G: Guarantee>(&self, me: Leadership<G>) -> Result<(), BoxError> {
        me.watched(self.patience, self.work(&me)).await;
        Ok(())
    }

    async fn work<G: Guarantee>(&self, me: &Leadership<G>) {
        if self.verdict.get().is_some() {
            // The node ends.
            return me.lost().await;
        }
        let mut guard = self.guard.lock().await;
        let (guard, backoff) = &mut *guard;
        let outcome = run::supervise(me, guard, self.policy, backoff).await;
        match outcome {
            Ok(TenureEnd::Stop(ended)) => {
                let why = "the command has ended, and with it the node";
                self.decide(ended.exit.code(), &why);
            }
            Ok(_) => {}
            Err(error) => self.decide(error.exit_code(), &error),
        }
    }

    fn decide(&self, code: u8, why: &dyn ToString) {
        let why = why.to_string();
        // The first one stands.
        let _ = self.verdict.set(Verdict { code, why });
    }

    /// Ends what is left, and says by which code the process ends.
    pub(super) async fn end(self, led: Result<(), LeadError>, elector: &NodeHandle) -> ExitCode {
        let code = match &led {
            Ok(()) => ExitCode::SUCCESS,
            Err(LeadError::Node(_)) => ExitCode::from(run::NODE_FAILED),
            Err(error) => {
                let code = self.verdict.get().map(|verdict| verdict.code);
                let code = code.unwrap_or(run::GUARDIAN_FAILED);
                if code == 0 {
                    tracing::info!(target: "elector", reason = %error, "the node ends");
                } else {
                    tracing::error!(target: "elector", %error, "the node ends");
                }
                ExitCode::from(code)
            }
        };
        // The work has ended, so nothing is left that could take long.
        if let Err(error) = elector.leave(Duration::from_secs(1)).await {
            tracing::error!(target: "elector", %error, "not in good order");
        }
        if let Err(error) = self.guard.into_inner().0.shutdown().await {
            tracing::error!(target: "elector", %error, "the guardian");
        }
        code
    }
}

/// Leads for as long as the guardian is not `gone`, and there is no verdict. Work that has the
/// guardian `in_hand` hears of its end, too, and sees to the end of the command first.
///
/// Work that has reached a verdict ends as any other, so `led` would go on.
async fn unless_decided<T>(
    led: impl Future<Output = Result<(), LeadError>>,
    gone: impl Future<Output = ()>,
    in_hand: &Mutex<T>,
    verdict: &SetOnce<Verdict>,
) -> Result<(), LeadError> {
    let mut led = pin!(led);
    tokio::select! {
        biased;
        led = &mut led => return led,
        _ = verdict.wait() => {}
        () = gone => {}
    }
    tokio::select! {
        biased;
        led = &mut led => return led,
        _ = in_hand.lock() => {}
    }
    // Better to end now than to win an election, and be of no use.
    let why = verdict.get().map(|verdict| verdict.why.as_str());
    Err(LeadError::Work(
        why.unwrap_or("the guardian of the command is gone").into(),
    ))
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        task::{Context, Waker},
    };

    use super::*;

    // In a pause between two starts of the command the work holds the guardian and does not listen.
    // If its leadership ends just then, no task has heard it, and the node must end all the same.
    #[tokio::test]
    async fn a_node_whose_guardian_is_gone_ends_though_its_work_did_not_listen() {
        let (guard, verdict) = (Mutex::new(()), SetOnce::new());
        let pausing = guard.lock().await;
        let mut led = pin!(unless_decided(pending(), ready(()), &guard, &verdict));
        let mut context = Context::from_waker(Waker::noop());
        assert!(led.as_mut().poll(&mut context).is_pending(), "work first");
        drop(pausing);
        let told = led.await.unwrap_err().to_string();
        assert!(told.contains("guardian"), "{told}");
    }

    // Work that fails as it loses its leadership does not end the lead. A node without a guardian
    // would stay, and would lead without a command when it is elected again.
    #[tokio::test]
    async fn a_verdict_ends_the_node_though_its_work_has_lost_its_leadership() {
        let (guard, verdict) = (Mutex::new(()), SetOnce::new());
        let mut led = pin!(unless_decided(pending(), pending(), &guard, &verdict));
        let mut context = Context::from_waker(Waker::noop());
        assert!(led.as_mut().poll(&mut context).is_pending());
        let decided = Verdict {
            code: 4,
            why: "it was killed".into(),
        };
        assert!(verdict.set(decided).is_ok());
        let told = led.await.unwrap_err().to_string();
        assert!(told.contains("it was killed"), "{told}");
    }

    // Work that leads on tells itself how it ended.
    #[tokio::test]
    async fn the_end_of_the_lead_comes_before_a_verdict() {
        let (guard, verdict) = (Mutex::new(()), SetOnce::new());
        let decided = Verdict {
            code: 0,
            why: String::new(),
        };
        assert!(verdict.set(decided).is_ok());
        let led = unless_decided(ready(Ok(())), ready(()), &guard, &verdict);
        assert!(led.await.is_ok());
    }
}
