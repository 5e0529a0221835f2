use std::fmt;

/// One of several parts of a [`Sweep`](crate::Sweep). The parts can run on different machines. Each
/// run of the sweep is in exactly one shard.
///
/// All shards take about the same time: they have nearly the same number of runs of each cluster
/// size, and nearly the same number of runs that are done twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    number: u64,
    count: u64,
}

impl Shard {
    /// The only shard of a sweep that is not divided. It has all runs.
    pub const WHOLE: Self = Self {
        number: 1,
        count: 1,
    };

    /// Returns the shard with this number, from 1 to `count`, of `count` shards. Returns `None` if
    /// the number is out of range.
    #[must_use]
    pub fn new(number: u64, count: u64) -> Option<Self> {
        (1..=count)
            .contains(&number)
            .then_some(Self { number, count })
    }

    /// Returns the number of this shard, from 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.number
    }

    /// Returns the number of all shards.
    #[must_use]
    pub fn count(self) -> u64 {
        self.count
    }

    /// Returns `true` if the run number `run` of the [`Cell`](crate::Cell) at `place` belongs to
    /// this shard. Both numbers count from 0. Cells of the same size have consecutive places. Each
    /// cell has `runs` runs.
    pub(crate) fn has(self, place: u64, run: u64, runs: u64) -> bool {
        // The runs of all cells (a cell is all runs of one contestant in one scenario at one size)
        // are dealt to the shards in turn. After `period` cells, the cells would begin with the
        // same shards again. So the same shards would always get the first run of a cell, which
        // takes longer because it is done twice. To avoid this, the turn moves on by one shard
        // after every `period` cells.
        let period = self.count / gcd(self.count, runs);
        let dealt = place.wrapping_mul(runs).wrapping_add(run);
        dealt.wrapping_add(place / period) % self.count == self.number - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

/// Returns the greatest common divisor.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns for each shard the number of its runs, and how many of these are the first run of a
    /// cell (all runs of one contestant in one scenario at one size).
    fn loads(count: u64, places: u64, runs: u64) -> Vec<(u64, u64)> {
        let shards = (1..=count).map(|number| Shard::new(number, count).unwrap());
        let load = |shard: Shard| {
            let has = |run: u64| (0..places).filter(move |&place| shard.has(place, run, runs));
            (
                (0..runs).map(|run| has(run).count() as u64).sum(),
                has(0).count() as u64,
            )
        };
        shards.map(load).collect()
    }

    // The sweep is done when the slowest shard is done, so the work must be distributed evenly. The
    // first run of each contestant, scenario and size is done twice, so these runs must be
    // distributed evenly too.
    #[test]
    fn shards_have_the_same_number_of_runs_and_of_first_runs() {
        for (count, places, runs) in [
            (16, 480, 200),
            (16, 480, 1),
            (7, 91, 3),
            (3, 12, 3),
            (15, 450, 15),
            (200, 400, 200),
        ] {
            let loads = loads(count, places, runs);
            let (all, first): (Vec<u64>, Vec<u64>) = loads.into_iter().unzip();
            assert_eq!(all.iter().sum::<u64>(), places * runs);
            assert_eq!(first.iter().sum::<u64>(), places);
            for (loads, spread) in [(all, 1), (first, 2)] {
                let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
                assert!(most - least <= spread, "{count} {places} {runs}: {loads:?}");
            }
        }
    }

    // A run that is in no shard, or in two, would make the merged figures wrong.
    #[test]
    fn every_run_is_in_exactly_one_shard() {
        for count in 1..=12 {
            for runs in 1..=12 {
                for (place, run) in (0..30).flat_map(|place| (0..runs).map(move |run| (place, run)))
                {
                    let shards = (1..=count).filter_map(|number| Shard::new(number, count));
                    let having = shards.filter(|shard| shard.has(place, run, runs));
                    assert_eq!(having.count(), 1, "{count} {runs} {place} {run}");
                }
            }
        }
    }

    // A shard with a number that is out of range would have no runs. Its result would be empty and
    // look complete.
    #[test]
    fn numbers_out_of_range_are_no_shards() {
        assert_eq!(Shard::new(0, 3), None);
        assert_eq!(Shard::new(4, 3), None);
        assert_eq!(Shard::new(1, 0), None);
        assert_eq!(Shard::new(1, 1), Some(Shard::WHOLE));
        assert_eq!(Shard::new(3, 16).unwrap().to_string(), "3/16");
    }
}
