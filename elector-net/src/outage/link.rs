use std::time::Duration;

use elector_core::{Moment, actor};

use super::{Direction, NO_INCOMING, OutageEvent, Reason, ReasonKind};
use crate::link::{Link, lock};

impl Link {
    /// Records a failure that keeps this node and the peer from exchanging messages. Returns
    /// `false` if they can exchange messages all the same.
    pub(crate) fn record_failure(&self, direction: Direction, reason: Reason) -> bool {
        lock(&self.outage).record_failure(direction, reason, actor::now())
    }

    /// Records that the peer has been silent for too long as the reason of its outage. Does nothing
    /// if another reason is known why this node cannot reach the peer.
    pub(crate) fn record_silence(&self) {
        let last = self.detector().last();
        let now = actor::now();
        let mut outage = lock(&self.outage);
        if outage.outgoing_reason().is_none() {
            let silence = last.map_or(Duration::ZERO, |last| now.saturating_since(last));
            let text = format!(
                "no data from the peer for {} ms: its process hangs, its machine is down, or the \
                 network is interrupted",
                silence.as_millis()
            );
            let reason = Reason::new(ReasonKind::NoAnswer, text);
            outage.record_failure(Direction::Out, reason, now);
        }
    }

    /// Returns the events of this peer that must be logged now.
    pub(crate) fn take_events(&self, now: Moment) -> Vec<OutageEvent> {
        lock(&self.outage).take_events(now)
    }

    /// Returns why messages cannot be exchanged with the peer; `None` if messages can be exchanged.
    pub(crate) fn problem(&self) -> Option<String> {
        let is_open = (self.is_outgoing_open(), self.is_incoming_open());
        let outage = lock(&self.outage);
        if !outage.is_active() {
            return None;
        }
        let outgoing = outage.outgoing_reason().map(|reason| reason.text.as_str());
        let incoming = outage.incoming_reason(actor::now());
        let incoming = incoming.map(|reason| reason.text.as_str());
        Some(match is_open {
            (true, true) => outgoing.unwrap_or("the peer does not answer").to_owned(),
            (true, false) => incoming.unwrap_or(NO_INCOMING).to_owned(),
            (false, true) => match outgoing {
                Some(outgoing) => format!("{INCOMING_ONLY}: {outgoing}"),
                None => INCOMING_ONLY.to_owned(),
            },
            (false, false) => match (outgoing, incoming) {
                (Some(outgoing), Some(incoming)) => format!("{outgoing}; {incoming}"),
                (Some(one), None) | (None, Some(one)) => one.to_owned(),
                (None, None) => "there is no connection in either direction".to_owned(),
            },
        })
    }
}

const INCOMING_ONLY: &str =
    "the peer can connect to this node, but this node cannot connect to the peer";

#[cfg(test)]
mod tests {
    use elector_core::{NodeId, Timing};

    use super::*;
    use crate::{detector::Detection, link::Mark};

    fn link() -> Link {
        let detection = Detection::of(&Timing::default());
        Link::new(NodeId(2), detection)
    }

    fn events(link: &Link) -> Vec<OutageEvent> {
        link.take_events(actor::now())
    }

    // The status of a node shows the text of a problem. The connection to the peer and the
    // connection from the peer can fail for different reasons.
    #[test]
    fn the_problem_is_that_of_the_direction_that_fails() {
        let link = link();
        let problem = || link.problem().unwrap_or_default();
        assert_eq!(problem(), "there is no connection in either direction");
        link.record_failure(
            Direction::Out,
            Reason::new(ReasonKind::NotRunning, "refused"),
        );
        assert_eq!(problem(), "refused");
        link.record_failure(Direction::In, Reason::new(ReasonKind::Tls, "rejected"));
        assert_eq!(problem(), "refused; rejected");
        let incoming = link.admit_incoming(1, false, Duration::ZERO).unwrap();
        assert_eq!(problem(), format!("{INCOMING_ONLY}: refused"));
        link.outgoing_opened();
        assert_eq!(link.problem(), None);
        link.incoming_closed(&incoming);
        assert_eq!(problem(), NO_INCOMING);
    }

    // A peer that hangs keeps its connections open, so its silence is the reason of the outage.
    // After the process of a peer has ended, its silence is not reported as a second reason.
    #[test]
    fn a_silence_is_an_outage_unless_its_reason_is_known() {
        let link = link();
        let is_silence = |event: &&OutageEvent| match event {
            OutageEvent::Unreachable(text) => text.contains("no data"),
            OutageEvent::Reachable { .. } => false,
        };
        let incoming = link.admit_incoming(1, false, Duration::ZERO).unwrap();
        link.outgoing_opened();
        link.received();
        assert!(link.mark(Mark::Released));
        link.record_silence();
        assert!(link.problem().unwrap().contains("no data from the peer"));
        assert!(link.received());
        assert_eq!(link.problem(), None);
        let first = events(&link);
        assert_eq!(first.iter().filter(is_silence).count(), 1, "{first:?}");
        assert!(
            matches!(first[..], [_, OutageEvent::Reachable { .. }]),
            "{first:?}"
        );

        link.outgoing_closed();
        link.incoming_closed(&incoming);
        assert!(link.mark(Mark::Suspected));
        let refused = Reason::new(ReasonKind::NotRunning, "refused");
        link.record_failure(Direction::Out, refused);
        assert!(link.mark(Mark::Released));
        link.record_silence();
        let refused = OutageEvent::Unreachable("refused".to_owned());
        assert_eq!(events(&link), [refused]);
    }
}
