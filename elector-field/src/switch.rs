use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tun_rs::SyncDevice;

use crate::{
    error::Error,
    host::Host,
    namespace_lock::NamespaceLock,
    path::{Barrier, Path},
    reject,
};

/// A switch that connects hosts. It applies to each packet the faults of the path from the packet's
/// sender to its receiver.
#[derive(Debug)]
pub(crate) struct Switch {
    pub(crate) hosts: Vec<Host>,
    shared: Arc<Shared>,
    // The field `_lock` is dropped after `hosts`: dropping a host deletes its namespace, and only
    // the holder of the lock may delete namespaces.
    _lock: NamespaceLock,
}

struct Shared {
    devices: Vec<SyncDevice>,
    /// The faults of each path. The first index is the sender, the second the receiver.
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

/// A delayed packet. Packets are ordered by `due`, which is the time of their delivery, then by the
/// order in which they were sent.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due: Instant,
    number: u64,
    to: usize,
    bytes: Vec<u8>,
}

impl Switch {
    /// Creates this number of hosts, and connects them. The paths between them have no faults at
    /// first.
    ///
    /// # Errors
    /// Returns the errors of [`NamespaceLock::acquire`] and [`Host::new`].
    pub(crate) fn new(hosts: u8) -> Result<Self, Error> {
        let lock = NamespaceLock::acquire()?;
        let created: Result<Vec<_>, Error> = (1..=hosts).map(Host::new).collect();
        let (hosts, devices): (Vec<_>, Vec<_>) = created?.into_iter().unzip();
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
            _lock: lock,
        })
    }

    /// Sets the delay of each packet, on all paths.
    pub(crate) fn set_delay(&self, delay: Duration) {
        self.for_each_path(|path| path.delay = delay);
    }

    /// Sets the share of packets that are lost (from 0.0 to 1.0), on all paths.
    pub(crate) fn set_loss(&self, share: f32) {
        self.for_each_path(|path| path.loss = share);
    }

    /// Cuts paths: from now on, packets from this host are lost if `output` is `true`, and packets
    /// to this host are lost if `input` is `true`. Otherwise these paths are open.
    pub(crate) fn cut(&self, host: usize, output: bool, input: bool) {
        let barrier = |cut| if cut { Barrier::Cut } else { Barrier::Open };
        for other in (0..self.hosts.len()).filter(|&other| other != host) {
            self.shared.path(host, other).barrier = barrier(output);
            self.shared.path(other, host).barrier = barrier(input);
        }
    }

    /// Replaces the faults of the path from one host to another.
    pub(crate) fn set_path(&self, from: usize, to: usize, path: Path) {
        *self.shared.path(from, to) = path;
    }

    fn for_each_path(&self, change: impl Fn(&mut Path)) {
        let hosts = 0..self.hosts.len();
        for from in hosts.clone() {
            for to in hosts.clone() {
                change(&mut self.shared.path(from, to));
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

    /// Forwards the packets that this host sends, until its device is deleted.
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
                    // An error means that the device of the sender is deleted already.
                    let _ = self.devices[from].send(&answer);
                }
                continue;
            }
            if fastrand::f32() < path.loss {
                continue;
            }
            let delay = path.delay + path.jitter.mul_f32(fastrand::f32());
            if delay.is_zero() {
                // An error means that the device of the receiver is deleted already.
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

    /// Returns the index of the receiver of an IPv4 packet, from the last byte of the receiver's
    /// address.
    fn receiver(&self, packet: &[u8]) -> Option<usize> {
        let [first, ..] = packet else { return None };
        let last = packet.get(19).filter(|_| first >> 4 == 4)?;
        let to = usize::from(*last).checked_sub(1)?;
        (to < self.devices.len()).then_some(to)
    }

    /// Sends each delayed packet to its receiver when the packet is due.
    fn deliver(&self) {
        let mut delayed = self.lock();
        while !delayed.closed {
            let now = Instant::now();
            match delayed.packets.peek() {
                Some(Reverse(first)) if first.due <= now => {
                    if let Some(Reverse(packet)) = delayed.packets.pop() {
                        // An error means that the device of the receiver is deleted already.
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
