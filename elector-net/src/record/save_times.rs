use std::time::Duration;

use prometheus_client::metrics::histogram::Histogram;

/// The upper bounds of the histogram's buckets, in seconds. They range from the saves of a disk
/// with a battery-backed cache to those of a disk that almost hangs.
const BOUNDS: [f64; 17] = [
    50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0,
];

/// The durations of saves. A save lasts until the state is durable in two of the four places that
/// the file has for saved states, and is written to the other two.
#[derive(Debug)]
pub(crate) struct SaveTimes(Histogram);

impl Default for SaveTimes {
    fn default() -> Self {
        Self(Histogram::new(BOUNDS))
    }
}

impl SaveTimes {
    pub(super) fn observe(&self, duration: Duration) {
        self.0.observe(duration.as_secs_f64());
    }

    /// Returns the histogram. Its unit is the second.
    pub(crate) fn histogram(&self) -> Histogram {
        self.0.clone()
    }
}
