use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tun_rs::SyncDevice;

use crate::{error::Error, host::Host};

/// Connects hosts, and does to each packet what the path from its sender to its receiver says.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) hosts: Vec<Host>,
    shared: Arc<Shared>,
}

/// What happens to packets from one host to another.
#[derive(Debug, Default)]
struct Path {
    delay_us: AtomicU64,
    /// Of 2³² packets so many are lost.
    loss: AtomicU32,
    cut: AtomicBool,
}

struct Shared {
    devices: Vec<SyncDevice>,
    /// By sender, then by receiver.
    paths: Vec<Vec<Path>>,
    delayed: Mutex<Delayed>,
    arrival: Condvar,
}

#[derive(Default)]
struct Delayed {
    packets: BinaryHeap<Reverse<Packet>>,
    sent: u64,
    closed: bool,
}

/// Ordered by when it arrives, then by when it was sent.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due: Instant,
    number: u64,
    to: usize,
    bytes: Vec<u8>,
}

impl Switch {
    /// Makes so many hosts, and connects them.
    ///
    /// # Errors
    /// As [`Host::new`].
    pub(crate) fn new(hosts: u8) -> Result<Self, Error> {
        let made: Result<Vec<_>, Error> = (1..=hosts).map(Host::new).collect();
        let (hosts, devices): (Vec<_>, Vec<_>) = made?.into_iter().unzip();
        let row = || hosts.iter().map(|_| Path::default()).collect();
        let shared = Arc::new(Shared {
            paths: hosts.iter().map(|_| row()).collect(),
            devices,
            delayed: Mutex::default(),
            arrival: Condvar::new(),
        });
        for from in 0..hosts.len() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.receive(from));
        }
        let delayer = Arc::clone(&shared);
        thread::spawn(move || delayer.deliver());
        Ok(Self { hosts, shared })
    }

    /// Each packet takes this time, on each path.
    pub(crate) fn delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.each(|path| path.delay_us.store(micros, Ordering::Relaxed));
    }

    /// This share of the packets is lost, on each path.
    pub(crate) fn lose(&self, share: f64) {
        let share = (share * f64::from(u32::MAX)) as u32;
        self.each(|path| path.loss.store(share, Ordering::Relaxed));
    }

    /// Drops what this host sends, if `output`, and what it is sent, if `input`.
    pub(crate) fn cut(&self, host: usize, output: bool, input: bool) {
        for other in (0..self.hosts.len()).filter(|&other| other != host) {
            let [to, from] = [(host, other), (other, host)];
            let set = |(from, to): (usize, usize), cut| {
                self.shared.paths[from][to]
                    .cut
                    .store(cut, Ordering::Relaxed);
            };
            set(to, output);
            set(from, input);
        }
    }

    fn each(&self, what: impl Fn(&Path)) {
        self.shared.paths.iter().flatten().for_each(what);
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let mut delayed = self.shared.lock();
        delayed.closed = true;
        drop(delayed);
        self.shared.arrival.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Delayed> {
        self.delayed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes packets of this host until its device is gone.
    fn receive(&self, from: usize) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(length) = self.devices[from].recv(&mut buffer) {
            let packet = &buffer[..length];
            let Some(to) = self.receiver(packet) else {
                continue;
            };
            let path = &self.paths[from][to];
            let loss = path.loss.load(Ordering::Relaxed);
            if path.cut.load(Ordering::Relaxed) || (loss > 0 && fastrand::u32(..) < loss) {
                continue;
            }
            let delay = Duration::from_micros(path.delay_us.load(Ordering::Relaxed));
            if delay.is_zero() {
                // The receiver's device may be gone.
                let _ = self.devices[to].send(packet);
                continue;
            }
            let mut delayed = self.lock();
            if delayed.closed {
                return;
            }
            delayed.sent += 1;
            let number = delayed.sent;
            delayed.packets.push(Reverse(Packet {
                due: Instant::now() + delay,
                number,
                to,
                bytes: packet.to_owned(),
            }));
            drop(delayed);
            self.arrival.notify_one();
        }
    }

    /// The host that an IPv4 packet is for, by the last byte of the address.
    fn receiver(&self, packet: &[u8]) -> Option<usize> {
        let [first, ..] = packet else { return None };
        let last = packet.get(19).filter(|_| first >> 4 == 4)?;
        let to = usize::from(*last).checked_sub(1)?;
        (to < self.devices.len()).then_some(to)
    }

    /// Passes on what was delayed, when its time has come.
    fn deliver(&self) {
        let mut delayed = self.lock();
        while !delayed.closed {
            let now = Instant::now();
            match delayed.packets.peek() {
                Some(Reverse(first)) if first.due <= now => {
                    if let Some(Reverse(packet)) = delayed.packets.pop() {
                        // The receiver's device may be gone.
                        let _ = self.devices[packet.to].send(&packet.bytes);
                    }
                }
                first => {
                    let wait = first.map_or(Duration::MAX, |Reverse(first)| first.due - now);
                    let woken = self.arrival.wait_timeout(delayed, wait);
                    delayed = woken.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}
