use std::{
    hint,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    cluster::Cluster,
    error::Error,
    switch::Switch,
    system::System,
    witness::{Life, now},
};

/// A fault that lasts, and under which a leader should go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Strain {
    Quiet,
    /// Milliseconds there and back.
    RoundTrip(u16),
    /// Percent of the packets, each way.
    Loss(u8),
    /// Threads for each processor that always have something to do.
    Busy(usize),
}

/// A fault of the leader, after which another should lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// All that it sends and is sent is lost.
    BlackHole,
    /// What it is sent is lost.
    Input,
}

/// What a strain did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Endured {
    /// Leaders after the first.
    pub(crate) changes: usize,
    /// Ends of the command, where there is one.
    pub(crate) ends: usize,
    /// How long none ran.
    pub(crate) down: Duration,
    pub(crate) lasted: Duration,
    /// Commands that began while another lived, and tokens that did not rise.
    pub(crate) wrong: usize,
}

/// How long a strain is in force before anything is counted.
const SETTLING: Duration = Duration::from_secs(3);

impl Strain {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Quiet => "no fault".into(),
            Self::RoundTrip(ms) => format!("round trip of {ms} ms"),
            Self::Loss(percent) => format!("{percent} % of packets lost"),
            Self::Busy(threads) => format!("{threads} busy threads per processor"),
        }
    }

    /// Runs this system under the strain for this time.
    ///
    /// # Errors
    /// If its cluster cannot be started.
    pub(crate) fn on(
        self,
        system: System,
        switch: &Switch,
        elector: &Path,
        lasting: Duration,
    ) -> Result<Endured, Error> {
        let cluster = Cluster::start(switch, system, elector)?;
        let _load = self.begin(switch);
        thread::sleep(SETTLING);
        let (began, tenures) = (now(), cluster.tenures());
        thread::sleep(lasting);
        let (ended, changes) = (now(), cluster.tenures() - tenures);
        Self::Quiet.begin(switch);
        let lives = cluster.lives()?;
        if changes > 0 || wrong(&lives) > 0 {
            cluster.keep();
        }
        if wrong(&lives) > 0 {
            eprintln!("lives of the command: {lives:?}");
        }
        Ok(Endured {
            changes,
            ends: lives
                .iter()
                .filter(|life| (began..ended).contains(&life.began))
                .count(),
            down: down(&lives, began, ended),
            lasted: lasting,
            wrong: wrong(&lives),
        })
    }

    fn begin(self, switch: &Switch) -> Option<Load> {
        switch.delay(Duration::ZERO);
        switch.lose(0.0);
        match self {
            Self::Quiet => {}
            Self::RoundTrip(ms) => switch.delay(Duration::from_millis(ms.into()) / 2),
            Self::Loss(percent) => switch.lose(f32::from(percent) / 100.0),
            Self::Busy(threads) => return Some(Load::new(threads)),
        }
        None
    }
}

/// Commands that began while another lived, and tokens that did not rise.
fn wrong(lives: &[Life]) -> usize {
    let overlaps = lives.iter().filter(|life| life.overlaps).count();
    let pairs = lives.windows(2);
    overlaps + pairs.filter(|pair| pair[1].token <= pair[0].token).count()
}

/// How much of this time had no command.
fn down(lives: &[Life], began: u64, ended: u64) -> Duration {
    let within = |life: &Life| life.ended.min(ended).saturating_sub(life.began.max(began));
    let up: u64 = lives.iter().map(within).sum();
    Duration::from_nanos((ended - began).saturating_sub(up))
}

impl Cut {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BlackHole => "leader cut off, both ways",
            Self::Input => "what the leader is sent is lost",
        }
    }

    /// Does it to the leader so many times, and returns how long it took until another was known.
    ///
    /// # Errors
    /// If the cluster cannot be started, or does not elect.
    pub(crate) fn on(
        self,
        system: System,
        switch: &Switch,
        elector: &Path,
        times: usize,
    ) -> Result<Vec<Duration>, Error> {
        let mut took = Vec::with_capacity(times);
        let limit = Duration::from_secs(60);
        for _ in 0..times {
            // What members learned from an earlier cut is not to count.
            let cluster = Cluster::start(switch, system, elector)?;
            let none = || {
                let logs = cluster.keep().display().to_string();
                Error::NoLeader(system.name(), limit.as_secs(), logs)
            };
            let leader = cluster.agreed(limit).ok_or_else(none)?;
            // The cut comes at any moment between two heartbeats.
            thread::sleep(Duration::from_millis(fastrand::u64(1500..2500)));
            switch.cut(leader, self == Self::BlackHole, true);
            let replaced = cluster.replaced(leader, limit);
            switch.cut(leader, false, false);
            took.push(replaced.ok_or_else(none)?);
            cluster.keep();
        }
        took.sort_unstable();
        Ok(took)
    }
}

/// Threads that never rest, until it is dropped.
struct Load {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn new(for_each_processor: usize) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let busy = |_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                let mut spun = Instant::now();
                while !over.load(Ordering::Relaxed) {
                    spun = hint::black_box(spun.max(Instant::now()));
                }
            })
        };
        let threads = (0..for_each_processor * processors).map(busy).collect();
        Self { over, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: [Life; 2] = [life(100, 200, 1, false), life(250, 400, 2, false)];

    const fn life(began: u64, ended: u64, token: u64, overlaps: bool) -> Life {
        Life {
            process: 70,
            began,
            ended,
            token,
            overlaps,
            node: 1,
            longest_pause: [0; 2],
        }
    }

    // Only what lies within the trial counts, and the time between two lives.
    #[test]
    fn the_time_without_a_command_is_what_no_life_covers() {
        assert_eq!(down(&SOUND, 150, 300), Duration::from_nanos(50));
        assert_eq!(down(&SOUND, 0, 500), Duration::from_nanos(250));
        assert_eq!(down(&[], 0, 500), Duration::from_nanos(500));
    }

    // A checker that has gone blind would pass two leaders.
    #[test]
    fn overlaps_and_tokens_that_do_not_rise_are_wrong() {
        assert_eq!(wrong(&SOUND), 0);
        let [first, _] = SOUND;
        assert_eq!(wrong(&[first, life(150, 300, 2, true)]), 1);
        assert_eq!(wrong(&[first, life(250, 300, 1, false)]), 1);
        assert_eq!(wrong(&[life(100, 200, 3, false), SOUND[1]]), 1);
    }
}
