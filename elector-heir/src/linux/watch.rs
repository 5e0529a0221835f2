//! The work of the heir after it has given up its rights: it waits for the end of its process,
//! sends the messages that were entrusted to it, and exits.

use std::{mem, os::fd::RawFd, ptr};

use super::{MAX_MESSAGE_LEN, heir::HeirArgs, raw::call};

/// How many connections the heir keeps at most.
const MAX_CONNECTIONS: usize = 128;

/// How long the heir waits before it exits, after its process has ended. When the heir exits, the
/// kernel frees the memory, which keeps a processor busy for the whole time. On a machine with few
/// processors, this work would delay a peer that holds an election directly after the end of the
/// process.
const EXIT_DELAY: libc::timespec = milliseconds(20);

/// How long the heir waits for the end of the process, after the other end of the channel was
/// closed. The kernel closes the files of a dying process a little before it reports the end of the
/// process. If the process has become another program, the kernel reports no end, and the wait
/// times out.
const PROCESS_END_TIMEOUT: libc::timespec = milliseconds(200);

const fn milliseconds(number: i64) -> libc::timespec {
    libc::timespec {
        tv_sec: 0,
        tv_nsec: number * 1_000_000,
    }
}

/// A connection, and the message that the heir writes to it when the process has ended.
#[derive(Clone, Copy)]
struct Entrusted {
    connection: RawFd,
    message: [u8; MAX_MESSAGE_LEN],
    length: usize,
}

/// The entrusted connections. Only the first `count` entries of the array are valid. They have the
/// same order as in the list for `ppoll`.
struct Connections {
    entrusted: [Entrusted; MAX_CONNECTIONS],
    count: usize,
}

pub(super) fn watch(args: &HeirArgs) {
    let nothing = Entrusted {
        connection: -1,
        message: [0; MAX_MESSAGE_LEN],
        length: 0,
    };
    let mut kept = Connections {
        entrusted: [nothing; MAX_CONNECTIONS],
        count: 0,
    };
    if wait_for_end(args, &mut kept) {
        // Connections that arrived on the channel while the process was dying are received here.
        while let Ok(Some(entrusted)) = receive(args.channel) {
            kept.add(entrusted);
        }
        kept.write();
    }
    kept.close_all();
    let _ = poll(&mut [], Some(EXIT_DELAY));
}

/// Returns `true` if the process has ended: only the pidfd of the process reports an end. Returns
/// `false` if the process has become another program or cannot be watched. In both cases the heir
/// exits after that, so that it does not keep the memory of a program that has ended.
fn wait_for_end(args: &HeirArgs, kept: &mut Connections) -> bool {
    let mut polled = [poll_entry(-1, 0); MAX_CONNECTIONS + 2];
    loop {
        let count = kept.prepare(args, &mut polled);
        match poll(polled.get_mut(..count).unwrap_or_default(), None) {
            Err(libc::EINTR | libc::EAGAIN) => continue,
            Err(_) => return false,
            Ok(()) => {}
        }
        let [process, channel, connections @ ..] = &polled;
        if process.revents != 0 {
            return process.revents & libc::POLLIN != 0;
        }
        kept.drop_broken(connections);
        if channel.revents != 0 {
            match receive(args.channel) {
                Ok(Some(entrusted)) => kept.add(entrusted),
                Err(libc::EINTR | libc::EAGAIN) => {}
                Ok(None) | Err(_) => return process_ends_soon(args),
            }
        }
    }
}

fn process_ends_soon(args: &HeirArgs) -> bool {
    loop {
        let mut process = [poll_entry(args.process, libc::POLLIN)];
        match poll(&mut process, Some(PROCESS_END_TIMEOUT)) {
            Err(libc::EINTR | libc::EAGAIN) => {}
            Err(_) => return false,
            Ok(()) => return process.iter().any(|end| end.revents & libc::POLLIN != 0),
        }
    }
}

impl Connections {
    fn all(&self) -> impl Iterator<Item = &Entrusted> {
        self.entrusted.iter().take(self.count)
    }

    /// Keeps this connection. If there is no room, closes it: then the heir sends no proof of death
    /// to its peer.
    fn add(&mut self, entrusted: Entrusted) {
        match self.entrusted.get_mut(self.count) {
            Some(place) => {
                *place = entrusted;
                self.count += 1;
            }
            None => close(entrusted.connection),
        }
    }

    /// Writes the descriptors that `ppoll` must watch to `polled`. Returns their number.
    fn prepare(&self, args: &HeirArgs, polled: &mut [libc::pollfd]) -> usize {
        let own = [args.process, args.channel].map(|fd| poll_entry(fd, libc::POLLIN));
        let broken = |entrusted: &Entrusted| poll_entry(entrusted.connection, libc::POLLRDHUP);
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

    /// Writes all messages. This method never waits: if the buffer of a connection is full, its
    /// peer receives nothing.
    fn write(&self) {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        for Entrusted {
            connection,
            message,
            length,
        } in self.all()
        {
            let message = message.as_ptr() as usize;
            let flags = flags.cast_unsigned() as usize;
            let to = connection.cast_unsigned() as usize;
            // SAFETY: the call reads `length` bytes of the message, which has at least that length.
            // The address is null, so the call reads none.
            let _ = unsafe { call(libc::SYS_sendto, [to, message, *length, flags, 0]) };
        }
    }

    fn close_all(&self) {
        self.all().for_each(|entrusted| close(entrusted.connection));
    }
}

fn close(fd: RawFd) {
    let fd = fd.cast_unsigned() as usize;
    // SAFETY: the heir has its own table of descriptors, and this descriptor was given to the heir.
    let _ = unsafe { call(libc::SYS_close, [fd, 0, 0, 0, 0]) };
}

fn poll_entry(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

fn poll(ends: &mut [libc::pollfd], limit: Option<libc::timespec>) -> Result<(), libc::c_int> {
    // The kernel writes the remaining time to the limit, so the limit must be a variable.
    let mut limit = limit;
    let limit = limit
        .as_mut()
        .map_or(0, |limit| ptr::from_mut(limit) as usize);
    let (at, number) = (ends.as_mut_ptr() as usize, ends.len());
    // SAFETY: the call writes only to `ends` and to the limit, which both outlive the call.
    let polled = unsafe { call(libc::SYS_ppoll, [at, number, limit, 0, 0]) };
    error_of(polled).map(|_| ())
}

fn error_of(result: isize) -> Result<usize, libc::c_int> {
    match usize::try_from(result) {
        Ok(result) => Ok(result),
        Err(_) => Err(result.unsigned_abs() as libc::c_int),
    }
}

/// A control message of the kernel: a header and one descriptor.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    connection: RawFd,
    _padding: RawFd,
}

/// Receives the next message on the channel, without waiting. Returns `None` when the other end is
/// closed.
fn receive(channel: RawFd) -> Result<Option<Entrusted>, libc::c_int> {
    let mut message = [0; MAX_MESSAGE_LEN];
    let mut part = libc::iovec {
        iov_base: message.as_mut_ptr().cast(),
        iov_len: MAX_MESSAGE_LEN,
    };
    // SAFETY: both types contain only numbers and pointers, for which zeros are valid values.
    let (mut control, mut msg): (Control, libc::msghdr) = unsafe { mem::zeroed() };
    msg.msg_iov = &raw mut part;
    msg.msg_iovlen = 1;
    msg.msg_control = (&raw mut control).cast();
    // There is room for one descriptor. The kernel closes any further one.
    let length = mem::offset_of!(Control, connection) + size_of::<RawFd>();
    msg.msg_controllen = length as _;
    let flags = (libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC).cast_unsigned() as usize;
    let (channel, at) = (channel.cast_unsigned() as usize, &raw mut msg as usize);
    // SAFETY: the call writes `message`, `control` and `msg`, each within its length.
    let received = unsafe { call(libc::SYS_recvmsg, [channel, at, flags, 0, 0]) };
    let received = error_of(received)?;
    let header = &control.header;
    let has_connection = msg.msg_controllen >= length as _
        && (header.cmsg_level, header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS);
    if !has_connection {
        // An entrusted message comes with a connection, and is never empty.
        return if received == 0 {
            Ok(None)
        } else {
            Err(libc::EAGAIN)
        };
    }
    Ok(Some(Entrusted {
        connection: control.connection,
        message,
        length: received.min(MAX_MESSAGE_LEN),
    }))
}
