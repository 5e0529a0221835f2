//! Records the outages of peers, and decides what is logged about them. An outage is the time in
//! which a peer is unreachable. There is one warning for each outage and kind of reason, and one
//! line when the outage has ended. The number of attempts to connect does not matter.

mod link;
mod log;
mod reason;

use std::time::Duration;

use elector_core::Moment;

pub(crate) use log::log_outages;
pub(crate) use reason::{Reason, ReasonKind};

/// The time for which the first outage of a peer is not logged: the peer may just not have been
/// started yet. The nodes of a cluster are started one after the other, by hand or by a tool,
/// within a few seconds. A wrong configuration is logged at once.
///
/// A peer gets the same time to make its own connection, which it tries about every half second. A
/// rejection of the peer that is older than this time is not reported as a reason any more.
const START_GRACE: Duration = Duration::from_secs(5);

/// The direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// The connection that this node makes to the peer.
    Out,
    /// The connection that the peer makes to this node.
    In,
}

/// The state of one peer: whether it is unreachable, since when, and why.
#[derive(Debug)]
pub(crate) struct Outage {
    /// When the outage began; `None` while the peer is reachable.
    since: Option<Moment>,
    /// Whether the peer was never reachable since this node was started.
    is_first: bool,
    outgoing: Option<Reason>,
    /// The last rejection of the peer's connection, and the time at which it occurred.
    incoming: Option<(Reason, Moment)>,
    /// When a connection was last made, in either direction, or the beginning of the outage if that
    /// is later.
    last_success: Moment,
    /// The kinds of reasons that were logged in this outage.
    logged: Vec<ReasonKind>,
    /// The beginnings and ends of outages that are not logged yet.
    events: Vec<OutageEvent>,
}

/// The beginning or the end of an outage, which must be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutageEvent {
    /// The peer is unreachable, for this reason.
    Unreachable(String),
    /// The peer is reachable after an outage of this length.
    Reachable { away: Duration, is_first: bool },
}

impl Outage {
    /// Creates the state of a peer when this node is started. Every peer is unreachable at that
    /// time.
    pub(crate) fn new(now: Moment) -> Self {
        Self {
            since: Some(now),
            is_first: true,
            outgoing: None,
            incoming: None,
            last_success: now,
            logged: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Begins an outage of the peer, unless an outage is active.
    pub(crate) fn begin(&mut self, now: Moment) {
        if self.since.is_none() {
            (self.since, self.last_success) = (Some(now), now);
        }
    }

    /// Ends the outage without a line in the log: the peer is no member any more.
    pub(crate) fn forget(&mut self) {
        self.since = None;
        self.logged.clear();
        self.events.clear();
    }

    /// Ends the outage of the peer, if there is one.
    pub(crate) fn end(&mut self, now: Moment) {
        let Some(since) = self.since.take() else {
            return;
        };
        if !self.logged.is_empty() {
            self.events.push(OutageEvent::Reachable {
                away: now.saturating_since(since),
                is_first: self.is_first,
            });
        }
        self.is_first = false;
        self.logged.clear();
        (self.outgoing, self.incoming) = (None, None);
    }

    /// Records that a connection in this direction has failed. Returns `false` if the peer is
    /// reachable all the same. Then this method does not record the failure, and the caller may log
    /// it.
    pub(crate) fn record_failure(
        &mut self,
        direction: Direction,
        reason: Reason,
        now: Moment,
    ) -> bool {
        if self.since.is_none() {
            return false;
        }
        if !(self.is_first && reason.kind.is_temporary()) {
            self.log_once(&reason);
        }
        match direction {
            Direction::Out => self.outgoing = Some(reason),
            Direction::In => self.incoming = Some((reason, now)),
        }
        true
    }

    /// Records that a connection was made in this direction.
    pub(crate) fn record_success(&mut self, direction: Direction, now: Moment) {
        self.last_success = now;
        match direction {
            Direction::Out => self.outgoing = None,
            Direction::In => self.incoming = None,
        }
    }

    /// Returns `true` if the peer is unreachable.
    pub(crate) fn is_active(&self) -> bool {
        self.since.is_some()
    }

    /// Returns why this node has no connection to the peer, if that is known.
    pub(crate) fn outgoing_reason(&self) -> Option<&Reason> {
        self.outgoing.as_ref()
    }

    /// Returns why a connection of the peer was rejected, if the peer has tried recently.
    pub(crate) fn incoming_reason(&self, now: Moment) -> Option<&Reason> {
        let (reason, at) = self.incoming.as_ref()?;
        (now.saturating_since(*at) < START_GRACE).then_some(reason)
    }

    /// Returns the events that must be logged now.
    pub(crate) fn take_events(&mut self, now: Moment) -> Vec<OutageEvent> {
        let is_over = |since| now.saturating_since(since) >= START_GRACE;
        if self.since.is_some_and(is_over) {
            let reasons = [self.outgoing_reason(), self.incoming_reason(now)];
            let reasons: Vec<Reason> = reasons.into_iter().flatten().cloned().collect();
            reasons.iter().for_each(|reason| self.log_once(reason));
            if reasons.is_empty() && is_over(self.last_success) {
                self.log_once(&Reason::new(ReasonKind::NoIncoming, NO_INCOMING));
            }
        }
        std::mem::take(&mut self.events)
    }

    fn log_once(&mut self, reason: &Reason) {
        if !self.logged.contains(&reason.kind) {
            self.logged.push(reason.kind);
            self.events
                .push(OutageEvent::Unreachable(reason.text.clone()));
        }
    }
}

/// The reason if this node is connected to the peer, and the peer does not connect to this node.
pub(crate) const NO_INCOMING: &str = "the peer does not connect to this node, although this node \
     is connected to the peer: check the peer's log";

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::ZERO.saturating_add(Duration::from_secs(seconds))
    }

    fn refused() -> Reason {
        Reason::new(ReasonKind::NotRunning, "refused")
    }

    fn silent() -> Reason {
        Reason::new(ReasonKind::NoAnswer, "silent")
    }

    fn unreachable(text: &str) -> OutageEvent {
        OutageEvent::Unreachable(text.to_owned())
    }

    fn reachable(seconds: u64, is_first: bool) -> OutageEvent {
        let away = Duration::from_secs(seconds);
        OutageEvent::Reachable { away, is_first }
    }

    /// Returns the outage of a peer that was reachable and became unreachable at 100 s.
    fn lost() -> Outage {
        let mut outage = Outage::new(at(0));
        outage.end(at(1));
        assert_eq!(outage.take_events(at(1)), []);
        outage.begin(at(100));
        outage
    }

    // A node tries to connect about twice a second, and an outage may last a day. The log must not
    // get a line for each attempt.
    #[test]
    fn an_outage_is_logged_once_for_each_kind_of_reason_and_its_end_once() {
        let mut outage = lost();
        for attempt in 0..1000 {
            let reason = if attempt % 10 < 7 {
                refused()
            } else {
                silent()
            };
            assert!(outage.record_failure(Direction::Out, reason, at(100)));
        }
        let now = at(125);
        assert_eq!(
            outage.take_events(now),
            [unreachable("refused"), unreachable("silent")]
        );
        assert_eq!(outage.take_events(now), []);
        outage.end(now);
        outage.end(now);
        assert_eq!(outage.take_events(now), [reachable(25, false)]);
        outage.begin(at(200));
        assert!(outage.record_failure(Direction::Out, refused(), at(200)));
        assert_eq!(
            outage.take_events(at(200)),
            [unreachable("refused")],
            "another one"
        );
    }

    // A task logs the events of all peers at intervals. If an outage begins and ends within one
    // interval, because the process of a peer was restarted, the outage must be logged all the
    // same.
    #[test]
    fn an_outage_that_has_already_ended_is_logged() {
        let mut outage = lost();
        assert!(outage.record_failure(Direction::Out, refused(), at(1)));
        outage.end(at(101));
        let events = outage.take_events(at(101));
        assert_eq!(events, [unreachable("refused"), reachable(1, false)]);
    }

    // If a connection breaks and this node connects again at once, this is not logged as an outage.
    #[test]
    fn an_interruption_without_a_failure_is_not_logged() {
        let mut outage = lost();
        outage.end(at(101));
        assert_eq!(outage.take_events(at(200)), []);
    }

    // When a node is started, its peers may not run yet. Only a wrong configuration is logged at
    // once.
    #[test]
    fn at_the_start_only_wrong_configurations_are_logged_at_once() {
        let mut outage = Outage::new(at(0));
        assert!(outage.record_failure(Direction::Out, refused(), at(1)));
        assert_eq!(outage.take_events(at(4)), []);
        outage.end(at(4));
        assert_eq!(outage.take_events(at(9)), [], "a normal start");

        let mut outage = Outage::new(at(0));
        assert!(outage.record_failure(Direction::Out, refused(), at(1)));
        assert_eq!(outage.take_events(at(5)), [unreachable("refused")]);
        outage.end(at(25));
        assert_eq!(outage.take_events(at(25)), [reachable(25, true)]);

        let mut outage = Outage::new(at(0));
        let rejected = Reason::new(ReasonKind::NotANode, "not a node");
        assert!(outage.record_failure(Direction::In, rejected, at(0)));
        assert_eq!(outage.take_events(at(0)), [unreachable("not a node")]);
    }

    // If the peer makes no connection to this node, only the peer knows the reason. The log must
    // refer the operator to the log of the peer.
    #[test]
    fn a_peer_that_makes_no_connection_is_logged_after_a_while() {
        let mut outage = lost();
        assert_eq!(outage.take_events(at(104)), []);
        assert_eq!(outage.take_events(at(105)), [unreachable(NO_INCOMING)]);
        assert_eq!(outage.take_events(at(200)), []);

        // After a long time in which this node could not connect to the peer, the peer gets the
        // same time to make its own connection.
        let mut outage = lost();
        assert!(outage.record_failure(Direction::Out, refused(), at(100)));
        assert_eq!(outage.take_events(at(200)), [unreachable("refused")]);
        outage.record_success(Direction::Out, at(200));
        assert_eq!(outage.take_events(at(201)), []);
        assert_eq!(outage.take_events(at(205)), [unreachable(NO_INCOMING)]);
    }

    // A peer that this node rejected, and whose process has ended after that, must not be reported
    // as rejected.
    #[test]
    fn a_rejection_is_outdated_if_it_does_not_happen_again() {
        let mut outage = lost();
        assert!(outage.record_failure(Direction::In, silent(), at(100)));
        assert_eq!(outage.incoming_reason(at(101)), Some(&silent()));
        assert_eq!(outage.incoming_reason(at(105)), None);
    }

    // If a second process claims the id of a connected peer, this node rejects the process. This
    // says nothing about the peer itself, so it is not an outage of the peer.
    #[test]
    fn a_failure_beside_a_working_connection_is_not_an_outage() {
        let mut outage = Outage::new(at(0));
        outage.end(at(1));
        assert!(!outage.record_failure(Direction::In, refused(), at(1)));
        assert_eq!(outage.incoming_reason(at(1)), None);
        assert_eq!(outage.take_events(at(1)), []);
    }
}
