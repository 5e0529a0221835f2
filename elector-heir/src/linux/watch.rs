//! What the heir does when it has given up its rights: it waits for the end of its process, writes
//! what was entrusted to it, and ends.

use std::{mem, os::fd::RawFd, ptr};

use super::{WORDS, heir::Errand, raw::call};

/// How many connections the heir keeps.
const MOST: usize = 128;

/// How long the heir waits when its process has ended. To give back memory takes a processor, and
/// does not let go of it; on a machine of few, on which a peer has to elect now, it would be in the
/// way.
const RESPITE: libc::timespec = milliseconds(20);

/// How long the end of the process is waited for when its end of the line is closed: the kernel
/// closes the files of a process that dies, and says a little later that it has ended. One that has
/// become another program does not end.
const SOON: libc::timespec = milliseconds(200);

const fn milliseconds(number: i64) -> libc::timespec {
    libc::timespec {
        tv_sec: 0,
        tv_nsec: number * 1_000_000,
    }
}

/// A connection, and what is to be written there when the process has ended.
#[derive(Clone, Copy)]
struct Entrusted {
    connection: RawFd,
    words: [u8; WORDS],
    length: usize,
}

/// The connections are those below `count`, each at the same place of both lists.
struct Kept {
    entrusted: [Entrusted; MOST],
    count: usize,
}

pub(super) fn watch(errand: &Errand) {
    let nothing = Entrusted {
        connection: -1,
        words: [0; WORDS],
        length: 0,
    };
    let mut kept = Kept {
        entrusted: [nothing; MOST],
        count: 0,
    };
    if until_ended(errand, &mut kept) {
        // What came while it was dying.
        while let Ok(Some(entrusted)) = receive(errand.line) {
            kept.add(entrusted);
        }
        kept.write();
    }
    kept.close_all();
    let _ = poll(&mut [], Some(RESPITE));
}

/// Returns `true` if the process has ended: only its pidfd says so. `false`: it has become another
/// program, or cannot be waited for, and the heir must not outlive it.
fn until_ended(errand: &Errand, kept: &mut Kept) -> bool {
    let mut polled = [waits_for(-1, 0); MOST + 2];
    loop {
        let count = kept.prepare(errand, &mut polled);
        match poll(polled.get_mut(..count).unwrap_or_default(), None) {
            Err(libc::EINTR | libc::EAGAIN) => continue,
            Err(_) => return false,
            Ok(()) => {}
        }
        let [process, line, connections @ ..] = &polled;
        if process.revents != 0 {
            return process.revents & libc::POLLIN != 0;
        }
        kept.drop_broken(connections);
        if line.revents != 0 {
            match receive(errand.line) {
                Ok(Some(entrusted)) => kept.add(entrusted),
                Err(libc::EINTR | libc::EAGAIN) => {}
                Ok(None) | Err(_) => return ends_soon(errand),
            }
        }
    }
}

fn ends_soon(errand: &Errand) -> bool {
    loop {
        let mut process = [waits_for(errand.process, libc::POLLIN)];
        match poll(&mut process, Some(SOON)) {
            Err(libc::EINTR | libc::EAGAIN) => {}
            Err(_) => return false,
            Ok(()) => return process.iter().any(|end| end.revents & libc::POLLIN != 0),
        }
    }
}

impl Kept {
    fn all(&self) -> impl Iterator<Item = &Entrusted> {
        self.entrusted.iter().take(self.count)
    }

    /// One more than fits is closed: no proof comes over that connection.
    fn add(&mut self, entrusted: Entrusted) {
        match self.entrusted.get_mut(self.count) {
            Some(place) => {
                *place = entrusted;
                self.count += 1;
            }
            None => close(entrusted.connection),
        }
    }

    /// Fills in what is waited for; how many that are.
    fn prepare(&self, errand: &Errand, polled: &mut [libc::pollfd]) -> usize {
        let own = [errand.process, errand.line].map(|fd| waits_for(fd, libc::POLLIN));
        let broken = |entrusted: &Entrusted| waits_for(entrusted.connection, libc::POLLRDHUP);
        let all = own.into_iter().chain(self.all().map(broken));
        polled.iter_mut().zip(all).for_each(|(to, one)| *to = one);
        self.count + own.len()
    }

    /// Closes the connections that have ended, or that the process has shut down.
    fn drop_broken(&mut self, polled: &[libc::pollfd]) {
        let mut count = 0;
        for place in 0..self.count {
            let broken = polled.get(place).is_none_or(|polled| polled.revents != 0);
            let Some(&entrusted) = self.entrusted.get(place) else {
                break;
            };
            if broken {
                close(entrusted.connection);
            } else if let Some(to) = self.entrusted.get_mut(count) {
                *to = entrusted;
                count += 1;
            }
        }
        self.count = count;
    }

    /// Writes all words. Never waits: a peer that does not read hears nothing.
    fn write(&self) {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        for Entrusted {
            connection,
            words,
            length,
        } in self.all()
        {
            let words = words.as_ptr() as usize;
            let flags = flags.cast_unsigned() as usize;
            let to = connection.cast_unsigned() as usize;
            // SAFETY: it reads `length` bytes of `words`, at most their number, and no address.
            let _ = unsafe { call(libc::SYS_sendto, [to, words, *length, flags, 0]) };
        }
    }

    fn close_all(&self) {
        self.all().for_each(|entrusted| close(entrusted.connection));
    }
}

fn close(fd: RawFd) {
    let fd = fd.cast_unsigned() as usize;
    // SAFETY: the heir has descriptors of its own, and this one was given to it.
    let _ = unsafe { call(libc::SYS_close, [fd, 0, 0, 0, 0]) };
}

fn waits_for(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

fn poll(ends: &mut [libc::pollfd], limit: Option<libc::timespec>) -> Result<(), libc::c_int> {
    // The kernel writes there what is left of it.
    let mut limit = limit;
    let limit = limit
        .as_mut()
        .map_or(0, |limit| ptr::from_mut(limit) as usize);
    let (at, number) = (ends.as_mut_ptr() as usize, ends.len());
    // SAFETY: it writes these `ends` and the limit, which outlive the call.
    let polled = unsafe { call(libc::SYS_ppoll, [at, number, limit, 0, 0]) };
    error_of(polled).map(|_| ())
}

fn error_of(result: isize) -> Result<usize, libc::c_int> {
    match usize::try_from(result) {
        Ok(result) => Ok(result),
        Err(_) => Err(result.unsigned_abs() as libc::c_int),
    }
}

/// A header, and one descriptor, as the kernel lays them out.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    connection: RawFd,
    _padding: RawFd,
}

/// What comes next on the line; `None` when the other end is closed. Does not wait.
fn receive(line: RawFd) -> Result<Option<Entrusted>, libc::c_int> {
    let mut words = [0; WORDS];
    let mut part = libc::iovec {
        iov_base: words.as_mut_ptr().cast(),
        iov_len: WORDS,
    };
    // SAFETY: both are plain numbers and pointers, for which zeros are values.
    let (mut control, mut message): (Control, libc::msghdr) = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    // Room for one descriptor: the kernel closes any further one.
    let length = mem::offset_of!(Control, connection) + size_of::<RawFd>();
    message.msg_controllen = length as _;
    let flags = (libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC).cast_unsigned() as usize;
    let (line, at) = (line.cast_unsigned() as usize, &raw mut message as usize);
    // SAFETY: it writes `words`, `control` and `message`, each within its length.
    let received = unsafe { call(libc::SYS_recvmsg, [line, at, flags, 0, 0]) };
    let received = error_of(received)?;
    let header = &control.header;
    let has_connection = message.msg_controllen >= length as _
        && (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS);
    if !has_connection {
        // What is entrusted comes with a connection, and is never empty.
        return if received == 0 {
            Ok(None)
        } else {
            Err(libc::EAGAIN)
        };
    }
    Ok(Some(Entrusted {
        connection: control.connection,
        words,
        length: received.min(WORDS),
    }))
}
