use std::{
    fs::File,
    net::Ipv4Addr,
    os::fd::AsFd,
    process::{Child, Command},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};
use tun_rs::{DeviceBuilder, SyncDevice};

use crate::{error::Error, program::run};

/// The name of the device in each namespace.
const DEVICE: &str = "field0";

/// A network namespace with one address, which stands for a machine.
///
/// It is deleted when it is dropped.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    /// Its address, which all hosts of one switch can reach.
    pub(crate) address: Ipv4Addr,
}

impl Host {
    /// Makes the host with this number, counted from 1, and its device.
    ///
    /// # Errors
    /// Without the rights to make namespaces and TUN devices.
    pub(crate) fn new(number: u8) -> Result<(Self, SyncDevice), Error> {
        let name = format!("elector-field-{number}");
        clear(&name);
        ip(&["netns", "add", &name])?;
        let address = Ipv4Addr::new(10, 77, 0, number);
        let host = Self { name, address };
        let cidr = format!("{address}/24");
        for rest in [
            &["link", "set", "lo", "up"][..],
            &["tuntap", "add", "dev", DEVICE, "mode", "tun"],
            &["address", "add", &cidr, "dev", DEVICE],
            &["link", "set", DEVICE, "up"],
        ] {
            let inside = ["-netns", &host.name];
            ip(&inside.iter().chain(rest).copied().collect::<Vec<_>>())?;
        }
        let device = host.enter(|| DeviceBuilder::new().name(DEVICE).build_sync())?;
        Ok((host, device?))
    }

    /// Runs this on a thread inside the namespace, and waits for it.
    ///
    /// # Errors
    /// If the namespace cannot be entered.
    fn enter<T: Send + 'static>(
        &self,
        what: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (tell, told) = mpsc::channel();
        self.spawn(move || {
            // The receiver waits for it.
            let _ = tell.send(what());
        })?;
        told.recv().map_err(|_| Error::Panicked)
    }

    /// Runs this on a thread inside the namespace.
    ///
    /// # Errors
    /// If the namespace cannot be entered.
    pub(crate) fn spawn(
        &self,
        what: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, Error> {
        let space = File::open(format!("/run/netns/{}", self.name))?;
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let space = space.as_fd();
            let entered = move_into_link_name_space(space, Some(LinkNameSpaceType::Network));
            let inside = entered.is_ok();
            // The receiver waits for it.
            let _ = tell.send(entered);
            if inside {
                what();
            }
        });
        told.recv().map_err(|_| Error::Panicked)??;
        Ok(thread)
    }

    /// Starts a program inside the network namespace, and outside of any other: with a view of the
    /// mounts of its own, as `ip netns exec` gives it, it would keep disks mounted.
    ///
    /// # Errors
    /// If the namespace cannot be entered, or the program cannot be started.
    pub(crate) fn start(&self, mut command: Command) -> Result<Child, Error> {
        Ok(self.enter(move || command.spawn())??)
    }

    /// A program inside the namespace. Its process has the id of the child.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // There is nothing left to do about it.
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<String, Error> {
    run("ip", arguments)
}

/// Ends what an earlier run has left in a namespace of this name, and deletes the name.
fn clear(name: &str) {
    // Without such a namespace there is nothing to do.
    let left = ip(&["netns", "pids", name]).unwrap_or_default();
    for pid in left.split_ascii_whitespace() {
        if let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    let _ = ip(&["netns", "delete", name]);
}
