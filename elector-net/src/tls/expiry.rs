use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before the end of its validity a certificate is warned about.
const WARN_BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What is to be said of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// It ends within a month.
    Soon,
    /// It has ended.
    Over,
}

/// Says once a day, and at each change, that a certificate ends.
#[derive(Debug, Default)]
pub(super) struct Reminder {
    last: Option<(Expiry, SystemTime)>,
}

impl Reminder {
    /// What is to be logged now of a certificate that is valid until then, if anything.
    pub(super) fn due(&mut self, until: SystemTime, now: SystemTime) -> Option<Expiry> {
        let expiry = if until <= now {
            Expiry::Over
        } else if until <= now + WARN_BEFORE {
            Expiry::Soon
        } else {
            self.last = None;
            return None;
        };
        let is_told = self.last.is_some_and(|(last, at)| {
            let passed = now.duration_since(at);
            // A clock that was set back: it is said once more.
            last == expiry && passed.is_ok_and(|passed| passed < DAY)
        });
        if is_told {
            return None;
        }
        self.last = Some((expiry, now));
        Some(expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The log of each day must have it. Once an hour would be too often.
    #[test]
    fn the_end_is_told_every_day_from_a_month_before_it() {
        let until = SystemTime::UNIX_EPOCH + 1000 * DAY;
        let mut reminder = Reminder::default();
        let mut told = |hours: u32| {
            let now = until - 40 * DAY + hours * (DAY / 24);
            reminder.due(until, now)
        };
        let all: Vec<_> = (0..=42 * 24).filter_map(&mut told).collect();
        let soon = all.iter().filter(|expiry| **expiry == Expiry::Soon);
        assert_eq!(soon.count(), 30);
        assert_eq!(all[30..], [Expiry::Over; 3], "at its end, and every day");
    }

    // A new certificate of the same length of life is told anew; see `Current`.
    #[test]
    fn a_clock_that_is_set_back_does_not_silence_it() {
        let until = SystemTime::UNIX_EPOCH + 1000 * DAY;
        let mut reminder = Reminder::default();
        assert_eq!(reminder.due(until, until - DAY), Some(Expiry::Soon));
        assert_eq!(reminder.due(until, until - 9 * DAY), Some(Expiry::Soon));
        assert_eq!(reminder.due(until, until - 9 * DAY), None);
        assert_eq!(reminder.due(until, until - 40 * DAY), None);
    }
}
