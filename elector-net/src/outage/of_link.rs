use elector_core::actor;

use super::{ABSENT, Direction, Kind, News, Reason};
use crate::link::{Link, lock};

impl Link {
    /// Something has failed that keeps this node and the peer from exchanging messages. Returns
    /// `false` if they can all the same.
    pub(crate) fn fail(&self, direction: Direction, reason: Reason) -> bool {
        lock(&self.outage).fail(direction, reason, actor::now().nanos())
    }

    /// The peer has been silent for too long, if no better reason is known.
    pub(crate) fn fall_silent(&self) {
        let (heard, ..) = self.measured();
        let now = actor::now().nanos();
        let mut outage = lock(&self.outage);
        if outage.why_out().is_none() {
            let silence = heard.map_or(0, |heard| now.saturating_sub(heard)) / 1_000_000;
            let text = format!(
                "it has said nothing for {silence} ms: it hangs, its machine is gone, or the \
                 network between is cut"
            );
            outage.fail(Direction::Out, Reason::new(Kind::Mute, text), now);
        }
    }

    /// What is to be logged of it.
    pub(crate) fn news(&self, now: u64) -> Vec<News> {
        lock(&self.outage).news(now)
    }

    /// Why messages cannot be exchanged with it, in words; `None` if they can.
    pub(crate) fn problem(&self) -> Option<String> {
        let (up, heard) = (self.is_up(), self.is_heard());
        let now = actor::now().nanos();
        let outage = lock(&self.outage);
        if !outage.is_on() {
            return None;
        }
        let out = outage.why_out().map(|reason| reason.text.as_str());
        let incoming = outage.why_in(now).map(|reason| reason.text.as_str());
        Some(match (up, heard) {
            (true, true) => out.unwrap_or("it does not answer").to_owned(),
            (true, false) => incoming.unwrap_or(ABSENT).to_owned(),
            (false, true) => match out {
                Some(out) => format!("it can connect to this node, and not the other way: {out}"),
                None => "it can connect to this node, and not the other way".to_owned(),
            },
            (false, false) => match (out, incoming) {
                (Some(out), Some(incoming)) => format!("{out}; {incoming}"),
                (Some(one), None) | (None, Some(one)) => one.to_owned(),
                (None, None) => "no connection, either way".to_owned(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use elector_core::{NodeId, Timing};

    use super::*;
    use crate::{detector::Detection, link::Told};

    fn link() -> Link {
        let detection = Detection::of(&Timing::default());
        Link::new(NodeId(2), "127.0.0.1:1".into(), detection)
    }

    fn told(link: &Link) -> Vec<News> {
        link.news(actor::now().nanos())
    }

    // What a status tells: each direction has its own reason.
    #[test]
    fn the_problem_is_that_of_the_direction_that_fails() {
        let link = link();
        let problem = || link.problem().unwrap_or_default();
        assert_eq!(problem(), "no connection, either way");
        link.fail(Direction::Out, Reason::new(Kind::Gone, "refused"));
        assert_eq!(problem(), "refused");
        link.fail(Direction::In, Reason::new(Kind::Tls, "rejected"));
        assert_eq!(problem(), "refused; rejected");
        let incoming = link.claim(1, Duration::ZERO).unwrap();
        assert_eq!(
            problem(),
            "it can connect to this node, and not the other way: refused"
        );
        link.set_up(true);
        assert_eq!(link.problem(), None);
        link.left(&incoming);
        assert_eq!(problem(), ABSENT);
    }

    // One that hangs keeps its connections open; and a silence after its end is no news.
    #[test]
    fn a_silence_is_an_outage_unless_its_reason_is_known() {
        let link = link();
        let silences = |told: &[News]| {
            let is_silence =
                |news: &&News| matches!(news, News::Away(text) if text.contains("said nothing"));
            told.iter().filter(is_silence).count()
        };
        let incoming = link.claim(1, Duration::ZERO).unwrap();
        link.set_up(true);
        link.heard();
        assert!(link.tell(Told::Free));
        link.fall_silent();
        assert!(link.problem().unwrap().contains("said nothing for"));
        assert!(link.heard());
        assert_eq!(link.problem(), None);
        let first = told(&link);
        assert_eq!(silences(&first), 1, "{first:?}");
        assert!(matches!(first[..], [_, News::Back { .. }]), "{first:?}");

        link.set_up(false);
        link.left(&incoming);
        assert!(link.tell(Told::Suspected));
        link.fail(Direction::Out, Reason::new(Kind::Gone, "refused"));
        assert!(link.tell(Told::Free));
        link.fall_silent();
        assert_eq!(told(&link), [News::Away("refused".to_owned())]);
    }
}
