use std::{collections::VecDeque, time::Duration};

use elector_core::Moment;

/// How many ends are too many, and within which time.
const MANY: usize = 3;
const WITHIN: Duration = Duration::from_secs(60);

/// When a command ended by itself with code 0, lately. One that does so again and again has done
/// its work, as a job that is run now and then, while a command that runs on the leader is expected
/// to stay.
#[derive(Debug, Default)]
pub(super) struct CleanEnds(VecDeque<Moment>);

impl CleanEnds {
    /// It has ended at this time. Whether that were too many; then the count begins anew.
    pub(super) fn saw(&mut self, at: Moment) -> bool {
        self.0.push_back(at);
        let age = |end: &Moment| at.nanos().saturating_sub(end.nanos());
        while self
            .0
            .front()
            .is_some_and(|end| u128::from(age(end)) > WITHIN.as_nanos())
        {
            self.0.pop_front();
        }
        let too_many = self.0.len() >= MANY;
        if too_many {
            self.0.clear();
        }
        too_many
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A command that ends once an hour is no reason for a line; one that ends at once is, and not
    // for one each time.
    #[test]
    fn the_third_end_within_a_minute_is_too_many() {
        let mut ends = CleanEnds::default();
        let mut saw = |second: u64| ends.saw(Moment::from_nanos(second * 1_000_000_000));
        for (second, too_many) in [
            (0, false),
            (61, false),
            (121, false),
            (182, false),
            (183, false),
            (184, true),
            (185, false),
            (186, false),
            (187, true),
        ] {
            assert_eq!(saw(second), too_many, "{second} s");
        }
    }
}
