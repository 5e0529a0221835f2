use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tun_rs::SyncDevice;

use crate::{
    alone::Alone,
    error::Error,
    host::Host,
    path::{Barrier, Path},
    reject,
};

/// Connects hosts, and does to each packet what the path from its sender to its receiver says.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) hosts: Vec<Host>,
    shared: Arc<Shared>,
    // Dropped last.
    _alone: Alone,
}

struct Shared {
    devices: Vec<SyncDevice>,
    /// By sender, then by receiver.
    paths: Vec<Vec<Mutex<Path>>>,
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
        let alone = Alone::wait()?;
        let made: Result<Vec<_>, Error> = (1..=hosts).map(Host::new).collect();
        let (hosts, devices): (Vec<_>, Vec<_>) = made?.into_iter().unzip();
        let row = || hosts.iter().map(|_| Mutex::default()).collect();
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
        Ok(Self {
            hosts,
            shared,
            _alone: alone,
        })
    }

    /// Each packet takes this time, on each path.
    pub(crate) fn delay(&self, delay: Duration) {
        self.each(|path| path.delay = delay);
    }

    /// This share of the packets is lost, on each path.
    pub(crate) fn lose(&self, share: f32) {
        self.each(|path| path.loss = share);
    }

    /// Drops what this host sends, if `output`, and what it is sent, if `input`.
    pub(crate) fn cut(&self, host: usize, output: bool, input: bool) {
        let barrier = |cut| if cut { Barrier::Cut } else { Barrier::Open };
        for other in (0..self.hosts.len()).filter(|&other| other != host) {
            self.shared.path(host, other).barrier = barrier(output);
            self.shared.path(other, host).barrier = barrier(input);
        }
    }

    /// Does this to packets from one host to another, and nothing else.
    pub(crate) fn set(&self, from: usize, to: usize, path: Path) {
        *self.shared.path(from, to) = path;
    }

    fn each(&self, what: impl Fn(&mut Path)) {
        let hosts = 0..self.hosts.len();
        for from in hosts.clone() {
            for to in hosts.clone() {
                what(&mut self.shared.path(from, to));
            }
        }
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
    fn path(&self, from: usize, to: usize) -> MutexGuard<'_, Path> {
        let path = self.paths[from][to].lock();
        path.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Delayed> {
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
            let path = *self.path(from, to);
            if path.barrier != Barrier::Open {
                if let Some(answer) = reject::answer(path.barrier, packet) {
                    // The device may be gone.
                    let _ = self.devices[from].send(&answer);
                }
                continue;
            }
            if fastrand::f32() < path.loss {
                continue;
            }
            let delay = path.delay + path.jitter.mul_f32(fastrand::f32());
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
