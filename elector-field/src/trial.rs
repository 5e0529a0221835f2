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

/// A fault that lasts for a whole trial. The leader should stay the same while it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Strain {
    Quiet,
    /// Packets are delayed: the value is the round trip in milliseconds.
    RoundTrip(u16),
    /// Packets are lost: the value is the percentage, in each direction.
    Loss(u8),
    /// The processors are busy: the value is the number of busy threads for each processor.
    Busy(usize),
}

/// A fault that cuts off the leader. After the fault another node should be elected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// All packets from and to the leader are lost.
    BlackHole,
    /// All packets to the leader are lost.
    Input,
}

/// The result of a trial with a [`Strain`], which is a fault that lasts for the whole trial.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StrainResult {
    /// The number of changes of the leader while the strain lasted.
    pub(crate) changes: usize,
    /// How often the command of the leader (the program that it runs) began again after an end, if
    /// the system runs a command.
    pub(crate) ends: usize,
    /// How long no command of a leader (the program that it runs) ran while the strain lasted.
    pub(crate) down: Duration,
    /// How long the strain lasted.
    pub(crate) duration: Duration,
    /// The number of commands (programs that leaders run) that began while another command ran,
    /// plus the number of fencing tokens that were not higher than the token before.
    pub(crate) violations: usize,
}

/// How long a strain (a fault that lasts for the whole trial) acts before the trial begins to count
/// changes of the leader.
const SETTLING_TIME: Duration = Duration::from_secs(3);

impl Strain {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Quiet => "no fault".into(),
            Self::RoundTrip(ms) => format!("round trip of {ms} ms"),
            Self::Loss(percent) => format!("{percent} % of packets lost"),
            Self::Busy(threads) => format!("{threads} busy threads per processor"),
        }
    }

    /// Runs `system` under this strain for `duration`.
    ///
    /// # Errors
    /// Returns an error if the cluster of the system cannot be started.
    pub(crate) fn run(
        self,
        system: System,
        switch: &Switch,
        elector: &Path,
        duration: Duration,
    ) -> Result<StrainResult, Error> {
        let cluster = Cluster::start(switch, system, elector)?;
        let _load = self.begin(switch);
        thread::sleep(SETTLING_TIME);
        let (began, tenures) = (now(), cluster.tenures());
        thread::sleep(duration);
        let (ended, changes) = (now(), cluster.tenures() - tenures);
        Self::Quiet.begin(switch);
        let lives = cluster.lives()?;
        let violations = count_violations(&lives);
        if changes > 0 || violations > 0 {
            cluster.keep_logs();
        }
        if violations > 0 {
            eprintln!("lives of the command: {lives:?}");
        }
        Ok(StrainResult {
            changes,
            ends: lives
                .iter()
                .filter(|life| (began..ended).contains(&life.began))
                .count(),
            down: down(&lives, began, ended),
            duration,
            violations,
        })
    }

    fn begin(self, switch: &Switch) -> Option<Load> {
        switch.set_delay(Duration::ZERO);
        switch.set_loss(0.0);
        match self {
            Self::Quiet => {}
            Self::RoundTrip(ms) => switch.set_delay(Duration::from_millis(ms.into()) / 2),
            Self::Loss(percent) => switch.set_loss(f32::from(percent) / 100.0),
            Self::Busy(threads) => return Some(Load::new(threads)),
        }
        None
    }
}

/// Counts the commands (programs that leaders run) that began while another command ran, and the
/// fencing tokens that were not higher than the token before.
fn count_violations(lives: &[Life]) -> usize {
    let overlaps = lives.iter().filter(|life| life.overlaps).count();
    let pairs = lives.windows(2);
    overlaps + pairs.filter(|pair| pair[1].token <= pair[0].token).count()
}

/// Returns how much of the time from `began` to `ended` passed while no leader's command ran. All
/// times are in nanoseconds.
fn down(lives: &[Life], began: u64, ended: u64) -> Duration {
    let within = |life: &Life| life.ended.min(ended).saturating_sub(life.began.max(began));
    let up: u64 = lives.iter().map(within).sum();
    Duration::from_nanos((ended - began).saturating_sub(up))
}

impl Cut {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BlackHole => "leader cut off, both ways",
            Self::Input => "packets to the leader lost",
        }
    }

    /// Cuts the leader off `count` times. Returns, in ascending order, how long it took each time
    /// until another member reported a new leader.
    ///
    /// # Errors
    /// Returns an error if the cluster cannot be started, or if it does not elect a leader.
    pub(crate) fn run(
        self,
        system: System,
        switch: &Switch,
        elector: &Path,
        count: usize,
    ) -> Result<Vec<Duration>, Error> {
        let mut times = Vec::with_capacity(count);
        let limit = Duration::from_secs(60);
        for _ in 0..count {
            // Each cut has a new cluster, because what the members learn in one cut could change
            // what they do in the next cut.
            let cluster = Cluster::start(switch, system, elector)?;
            let no_leader = || {
                let logs = cluster.keep_logs().display().to_string();
                Error::NoLeader(system.name(), limit.as_secs(), logs)
            };
            let leader = cluster.agreed_leader(limit).ok_or_else(no_leader)?;
            // Because of this random pause, each cut comes at another moment between two
            // heartbeats.
            thread::sleep(Duration::from_millis(fastrand::u64(1500..2500)));
            switch.cut(leader, self == Self::BlackHole, true);
            let time = cluster.time_to_replace(leader, limit);
            switch.cut(leader, false, false);
            times.push(time.ok_or_else(no_leader)?);
            cluster.keep_logs();
        }
        times.sort_unstable();
        Ok(times)
    }
}

/// Threads that are always busy. Dropping this value stops them.
struct Load {
    is_stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn new(threads_per_processor: usize) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let busy = |_| {
            let is_stopped = Arc::clone(&is_stopped);
            thread::spawn(move || {
                let mut latest = Instant::now();
                while !is_stopped.load(Ordering::Relaxed) {
                    latest = hint::black_box(latest.max(Instant::now()));
                }
            })
        };
        let threads = (0..threads_per_processor * processors).map(busy).collect();
        Self {
            is_stopped,
            threads,
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORRECT: [Life; 2] = [life(100, 200, 1, false), life(250, 400, 2, false)];

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

    // A life of a leader's command lasts from the start of its process to its end. The parts of
    // lives before or after the trial must not count.
    #[test]
    fn down_time_is_the_time_that_no_life_covers() {
        assert_eq!(down(&CORRECT, 150, 300), Duration::from_nanos(50));
        assert_eq!(down(&CORRECT, 0, 500), Duration::from_nanos(250));
        assert_eq!(down(&[], 0, 500), Duration::from_nanos(500));
    }

    // If the count of violations missed one, a trial would accept two leaders.
    #[test]
    fn overlaps_and_tokens_that_do_not_rise_are_violations() {
        assert_eq!(count_violations(&CORRECT), 0);
        let [first, _] = CORRECT;
        assert_eq!(count_violations(&[first, life(150, 300, 2, true)]), 1);
        assert_eq!(count_violations(&[first, life(250, 300, 1, false)]), 1);
        assert_eq!(count_violations(&[life(100, 200, 3, false), CORRECT[1]]), 1);
    }
}
