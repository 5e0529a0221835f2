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

/// The name of the TUN device in each namespace, over which the switch exchanges packets with the
/// host.
const DEVICE: &str = "field0";

/// A network namespace with one address, which stands for a machine.
///
/// Dropping this value deletes the namespace.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    /// The address of the host, which all hosts of the same switch can reach.
    pub(crate) address: Ipv4Addr,
}

impl Host {
    /// Creates the host with this number, counted from 1, and its TUN device.
    ///
    /// # Errors
    /// Returns an error if the process may not create namespaces or TUN devices.
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

    /// Runs `function` on a thread inside the namespace, and returns its result.
    ///
    /// # Errors
    /// Returns an error if the namespace cannot be entered.
    fn enter<T: Send + 'static>(
        &self,
        function: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, receiver) = mpsc::channel();
        self.spawn(move || {
            // The other thread waits for this result, so the channel is open.
            let _ = sender.send(function());
        })?;
        receiver.recv().map_err(|_| Error::Panicked)
    }

    /// Starts `function` on a thread inside the namespace.
    ///
    /// # Errors
    /// Returns an error if the namespace cannot be entered.
    pub(crate) fn spawn(
        &self,
        function: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>, Error> {
        let space = File::open(format!("/run/netns/{}", self.name))?;
        let (sender, receiver) = mpsc::channel();
        let thread = thread::spawn(move || {
            let space = space.as_fd();
            let entered = move_into_link_name_space(space, Some(LinkNameSpaceType::Network));
            let inside = entered.is_ok();
            // The other thread waits for this result, so the channel is open.
            let _ = sender.send(entered);
            if inside {
                function();
            }
        });
        receiver.recv().map_err(|_| Error::Panicked)??;
        Ok(thread)
    }

    /// Starts a program inside the network namespace, in the mount namespace of this process.
    ///
    /// `ip netns exec` also creates a mount namespace, which has all present mounts. Such a
    /// namespace would keep disks mounted that the trial unmounts later.
    ///
    /// # Errors
    /// Returns an error if the namespace cannot be entered, or if the program cannot be started.
    pub(crate) fn start(&self, mut command: Command) -> Result<Child, Error> {
        Ok(self.enter(move || command.spawn())??)
    }

    /// Returns a `Command` that runs a program inside the namespace. `ip` replaces itself by the
    /// program, so the process id of the child is that of the program.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // If this fails, the namespace stays. The next run that creates this host deletes it.
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<String, Error> {
    run("ip", arguments)
}

/// Kills the processes that an earlier run has left in this namespace, and deletes the namespace.
fn clear(name: &str) {
    // This fails if the namespace does not exist. Then there are no processes to kill.
    let left = ip(&["netns", "pids", name]).unwrap_or_default();
    for pid in left.split_ascii_whitespace() {
        if let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    let _ = ip(&["netns", "delete", name]);
}
