use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The time between the first warning about a certificate and its expiry.
const WARN_BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The state of a certificate that must be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expiry {
    /// The certificate expires within a month.
    Soon,
    /// The certificate has expired.
    Over,
}

/// Decides when to log the expiry of a certificate: once a day, and when the state changes between
/// [`Expiry::Soon`] and [`Expiry::Over`].
#[derive(Debug, Default)]
pub(super) struct Reminder {
    last: Option<(Expiry, SystemTime)>,
}

impl Reminder {
    /// Returns what must be logged now about a certificate that is valid until `until`. Returns
    /// `None` if nothing must be logged.
    pub(super) fn due(&mut self, until: SystemTime, now: SystemTime) -> Option<Expiry> {
        let expiry = if until <= now {
            Expiry::Over
        } else if until <= now + WARN_BEFORE {
            Expiry::Soon
        } else {
            self.last = None;
            return None;
        };
        let is_logged = self.last.is_some_and(|(last, at)| {
            let passed = now.duration_since(at);
            // If the clock was set back, the time since the last line is an error, and the line is
            // logged once more.
            last == expiry && passed.is_ok_and(|passed| passed < DAY)
        });
        if is_logged {
            return None;
        }
        self.last = Some((expiry, now));
        Some(expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If a certificate expires soon or has expired, the log of each day must have one line about
    // it. The test asks once an hour.
    #[test]
    fn the_expiry_is_logged_daily_from_a_month_before_it() {
        let until = SystemTime::UNIX_EPOCH + 1000 * DAY;
        let mut reminder = Reminder::default();
        let mut due = |hours: u32| {
            let now = until - 40 * DAY + hours * (DAY / 24);
            reminder.due(until, now)
        };
        let all: Vec<_> = (0..=42 * 24).filter_map(&mut due).collect();
        let soon = all.iter().filter(|expiry| **expiry == Expiry::Soon);
        assert_eq!(soon.count(), 30);
        assert_eq!(all[30..], [Expiry::Over; 3], "at its end, and every day");
    }

    // If the clock was set back, the last line about the expiry was logged at a later time than
    // now. The expiry must be logged all the same.
    #[test]
    fn a_clock_that_is_set_back_does_not_suppress_the_log() {
        let until = SystemTime::UNIX_EPOCH + 1000 * DAY;
        let mut reminder = Reminder::default();
        assert_eq!(reminder.due(until, until - DAY), Some(Expiry::Soon));
        assert_eq!(reminder.due(until, until - 9 * DAY), Some(Expiry::Soon));
        assert_eq!(reminder.due(until, until - 9 * DAY), None);
        assert_eq!(reminder.due(until, until - 40 * DAY), None);
    }
}
