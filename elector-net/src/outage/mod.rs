//! When a peer is unreachable, why, and what the log has of it: one warning for each outage and
//! kind of reason, and one line when it has ended, however many attempts there were.

mod of_link;
mod reason;
mod report;

use std::time::Duration;

use elector_core::nanos;

pub(crate) use reason::{Kind, Reason};
pub(crate) use report::report;

/// For how long nothing is logged of a peer that was never reachable: the nodes of a cluster are
/// started one after the other, by hand or by a tool, within a few seconds. What is configured
/// wrongly is logged at once. As long may a peer take to make its own connection, which it tries
/// every half a second; a rejection of it that is older is not repeated.
const LATE_START: Duration = Duration::from_secs(5);

/// In which direction something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// On the connection that this node makes.
    Out,
    /// On the connection that the peer makes.
    In,
}

/// Whether one peer is unreachable, since when, and why. Times are nanoseconds of the node's clock.
#[derive(Debug)]
pub(crate) struct Outage {
    /// Since when the peer is unreachable; `None` while it is reachable.
    since: Option<u64>,
    /// Whether it was never reachable.
    is_first: bool,
    out: Option<Reason>,
    /// And when that was.
    incoming: Option<(Reason, u64)>,
    /// When something worked last.
    mended: u64,
    /// Of which kinds the log has a reason, in this outage.
    told: Vec<Kind>,
    /// What the log has yet to be told.
    news: Vec<News>,
}

/// What is to be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is unreachable.
    Away(String),
    /// It is reachable after this time.
    Back { away: Duration, is_first: bool },
}

impl Outage {
    /// A peer is not reachable when the node is started.
    pub(crate) fn new(now: u64) -> Self {
        Self {
            since: Some(now),
            is_first: true,
            out: None,
            incoming: None,
            mended: now,
            told: Vec::new(),
            news: Vec::new(),
        }
    }

    /// The peer is unreachable from now on, unless it was before.
    pub(crate) fn begin(&mut self, now: u64) {
        if self.since.is_none() {
            (self.since, self.mended) = (Some(now), now);
        }
    }

    /// The peer is reachable.
    pub(crate) fn end(&mut self, now: u64) {
        let Some(since) = self.since.take() else {
            return;
        };
        if !self.told.is_empty() {
            self.news.push(News::Back {
                away: Duration::from_nanos(now.saturating_sub(since)),
                is_first: self.is_first,
            });
        }
        self.is_first = false;
        self.told.clear();
        (self.out, self.incoming) = (None, None);
    }

    /// Something has failed. Returns `false` if the peer is reachable all the same: then it is not
    /// remembered, and the caller may log it.
    pub(crate) fn fail(&mut self, direction: Direction, reason: Reason, now: u64) -> bool {
        if self.since.is_none() {
            return false;
        }
        if !(self.is_first && reason.kind.may_pass()) {
            self.tell(&reason);
        }
        match direction {
            Direction::Out => self.out = Some(reason),
            Direction::In => self.incoming = Some((reason, now)),
        }
        true
    }

    /// What has failed in this direction works now.
    pub(crate) fn mend(&mut self, direction: Direction, now: u64) {
        self.mended = now;
        match direction {
            Direction::Out => self.out = None,
            Direction::In => self.incoming = None,
        }
    }

    /// Whether the peer is unreachable.
    pub(crate) fn is_on(&self) -> bool {
        self.since.is_some()
    }

    /// Why this node has no connection to it, if that is known.
    pub(crate) fn why_out(&self) -> Option<&Reason> {
        self.out.as_ref()
    }

    /// Why its connection is not let in, if it has tried of late.
    pub(crate) fn why_in(&self, now: u64) -> Option<&Reason> {
        let (reason, at) = self.incoming.as_ref()?;
        (now.saturating_sub(*at) < nanos(LATE_START)).then_some(reason)
    }

    /// What is to be logged now.
    pub(crate) fn news(&mut self, now: u64) -> Vec<News> {
        let has_passed = |since: u64| now.saturating_sub(since) >= nanos(LATE_START);
        if self.since.is_some_and(has_passed) {
            let reasons = [self.why_out(), self.why_in(now)];
            let reasons: Vec<Reason> = reasons.into_iter().flatten().cloned().collect();
            reasons.iter().for_each(|reason| self.tell(reason));
            if reasons.is_empty() && has_passed(self.mended) {
                self.tell(&Reason::new(Kind::Absent, ABSENT));
            }
        }
        std::mem::take(&mut self.news)
    }

    fn tell(&mut self, reason: &Reason) {
        if !self.told.contains(&reason.kind) {
            self.told.push(reason.kind);
            self.news.push(News::Away(reason.text.clone()));
        }
    }
}

/// Of a peer that this node has connected to.
pub(crate) const ABSENT: &str =
    "this node can connect to it, and it does not connect to this node: look at its log";

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn refused() -> Reason {
        Reason::new(Kind::Gone, "refused")
    }

    fn silent() -> Reason {
        Reason::new(Kind::Mute, "silent")
    }

    fn away(text: &str) -> News {
        News::Away(text.to_owned())
    }

    fn back(seconds: u64, is_first: bool) -> News {
        let away = Duration::from_secs(seconds);
        News::Back { away, is_first }
    }

    /// A peer that was reachable and is not, since 100 s.
    fn lost() -> Outage {
        let mut outage = Outage::new(0);
        outage.end(SECOND);
        assert_eq!(outage.news(SECOND), []);
        outage.begin(100 * SECOND);
        outage
    }

    // There are two attempts a second, and an outage may take a day.
    #[test]
    fn an_outage_is_told_once_for_each_kind_of_reason_and_its_end_once() {
        let mut outage = lost();
        for attempt in 0..1000 {
            let reason = if attempt % 10 < 7 {
                refused()
            } else {
                silent()
            };
            assert!(outage.fail(Direction::Out, reason, 100 * SECOND));
        }
        let now = 125 * SECOND;
        assert_eq!(outage.news(now), [away("refused"), away("silent")]);
        assert_eq!(outage.news(now), []);
        outage.end(now);
        outage.end(now);
        assert_eq!(outage.news(now), [back(25, false)]);
        outage.begin(200 * SECOND);
        assert!(outage.fail(Direction::Out, refused(), 200 * SECOND));
        assert_eq!(outage.news(200 * SECOND), [away("refused")], "another one");
    }

    // A process that was restarted between two looks was an outage all the same.
    #[test]
    fn an_outage_that_is_over_already_is_told() {
        let mut outage = lost();
        assert!(outage.fail(Direction::Out, refused(), SECOND));
        outage.end(101 * SECOND);
        let told = outage.news(101 * SECOND);
        assert_eq!(told, [away("refused"), back(1, false)]);
    }

    // A connection that breaks and is made anew at once is no outage.
    #[test]
    fn an_interruption_without_a_failure_is_not_told() {
        let mut outage = lost();
        outage.end(101 * SECOND);
        assert_eq!(outage.news(200 * SECOND), []);
    }

    // The peers of a node that is started are not up yet; but a mistake is told at once.
    #[test]
    fn at_the_start_only_mistakes_are_told_at_once() {
        let mut outage = Outage::new(0);
        assert!(outage.fail(Direction::Out, refused(), SECOND));
        assert_eq!(outage.news(4 * SECOND), []);
        outage.end(4 * SECOND);
        assert_eq!(outage.news(9 * SECOND), [], "a normal start");

        let mut outage = Outage::new(0);
        assert!(outage.fail(Direction::Out, refused(), SECOND));
        assert_eq!(outage.news(5 * SECOND), [away("refused")]);
        outage.end(25 * SECOND);
        assert_eq!(outage.news(25 * SECOND), [back(25, true)]);

        let mut outage = Outage::new(0);
        let rejected = Reason::new(Kind::NoNode, "no node");
        assert!(outage.fail(Direction::In, rejected, 0));
        assert_eq!(outage.news(0), [away("no node")]);
    }

    // Then only the peer knows the reason.
    #[test]
    fn a_peer_that_makes_no_connection_is_told_after_a_while() {
        let mut outage = lost();
        assert_eq!(outage.news(104 * SECOND), []);
        assert_eq!(outage.news(105 * SECOND), [away(ABSENT)]);
        assert_eq!(outage.news(200 * SECOND), []);

        // After a long outage it has to have the same time.
        let mut outage = lost();
        assert!(outage.fail(Direction::Out, refused(), 100 * SECOND));
        assert_eq!(outage.news(200 * SECOND), [away("refused")]);
        outage.mend(Direction::Out, 200 * SECOND);
        assert_eq!(outage.news(201 * SECOND), []);
        assert_eq!(outage.news(205 * SECOND), [away(ABSENT)]);
    }

    // A peer that was rejected, and has ended since, is not told as one that is rejected.
    #[test]
    fn a_rejection_is_of_the_past_when_it_does_not_happen_again() {
        let mut outage = lost();
        let now = 100 * SECOND;
        assert!(outage.fail(Direction::In, silent(), now));
        assert_eq!(outage.why_in(now + SECOND), Some(&silent()));
        assert_eq!(outage.why_in(now + 5 * SECOND), None);
    }

    // A second process under the id of a peer that is connected says nothing of the peer.
    #[test]
    fn a_failure_beside_a_working_connection_is_no_outage() {
        let mut outage = Outage::new(0);
        outage.end(SECOND);
        assert!(!outage.fail(Direction::In, refused(), SECOND));
        assert_eq!(outage.why_in(SECOND), None);
        assert_eq!(outage.news(SECOND), []);
    }
}
