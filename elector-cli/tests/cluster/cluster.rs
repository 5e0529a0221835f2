use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    child,
    command::{code, elector, finished, own_ip, write_token},
    logs::Logs,
    until,
    wires::Wires,
};

/// The parameters of a cluster.
pub(crate) struct Setup {
    pub(crate) algorithm: &'static str,
    pub(crate) nodes: u64,
    /// The command that runs on the leader. If it is empty, the nodes run `elector node`.
    pub(crate) command: Vec<OsString>,
    /// The content of the settings file, which all nodes use.
    pub(crate) settings: String,
    /// Whether the nodes reach each other through wires ([`Wires`]), which a test can cut.
    pub(crate) has_wires: bool,
    /// Whether the nodes serve HTTP, and accept commands with the token in the file `token`.
    pub(crate) has_http: bool,
    /// More arguments for the command line of each node.
    pub(crate) arguments: Vec<OsString>,
}

/// Settings with durations that are long enough for a busy machine.
pub(crate) const PATIENT: &str = "
    [timing]
    heartbeat_ms = 50
    lease_ms = 800
    election_min_ms = 1000
    election_max_ms = 1500
    round_trip_ms = 200
    [run]
    margin_ms = 400
    loss_grace_ms = 100
";

impl Setup {
    /// Returns the parameters of a cluster of `elector node` with long durations.
    pub(crate) fn new(algorithm: &'static str, nodes: u64) -> Self {
        Self {
            algorithm,
            nodes,
            command: Vec::new(),
            settings: PATIENT.to_owned(),
            has_wires: false,
            has_http: false,
            arguments: Vec::new(),
        }
    }
}

/// The processes of a cluster. Dropping this value kills all processes.
pub(crate) struct Cluster {
    pub(crate) logs: Arc<Logs>,
    pub(crate) wires: Option<Wires>,
    setup: Setup,
    folder: TempDir,
    /// A folder in memory, for the files that the commands of the nodes write.
    memory: TempDir,
    addresses: Vec<SocketAddr>,
    running: BTreeMap<u64, Child>,
    lives: u32,
}

impl Cluster {
    /// Formats the data folders of all nodes (`elector node --init`), and starts the nodes.
    pub(crate) fn start(setup: Setup) -> Self {
        let mut cluster = Self::formatted(setup);
        for id in cluster.nodes() {
            cluster.spawn(id);
        }
        cluster
    }

    /// Formats the data folders of all nodes (`elector node --init`). No node runs yet.
    pub(crate) fn formatted(setup: Setup) -> Self {
        let cluster = Self::stopped(setup);
        for id in cluster.nodes() {
            let (code, output) = finished(cluster.bare("node", id).arg("--init"));
            assert_eq!(code, 0, "{output}");
        }
        cluster
    }

    /// Returns a cluster whose nodes have no data folders yet, and do not run.
    pub(crate) fn stopped(setup: Setup) -> Self {
        let ip = own_ip();
        let ports = (7101..).take(usize::try_from(setup.nodes).unwrap());
        let addresses = ports.map(|port| format!("{ip}:{port}").parse().unwrap());
        let addresses: Vec<SocketAddr> = addresses.collect();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("settings.toml"), &setup.settings).unwrap();
        if setup.has_http {
            write_token(&folder.path().join("token"));
        }
        Self {
            logs: Arc::default(),
            wires: setup.has_wires.then(|| Wires::new(&addresses)),
            setup,
            folder,
            memory: in_memory(),
            addresses,
            running: BTreeMap::new(),
            lives: 0,
        }
    }

    /// Returns the ids of all nodes, also of nodes that do not run.
    pub(crate) fn nodes(&self) -> Vec<u64> {
        (1..=self.setup.nodes).collect()
    }

    pub(crate) fn others(&self, than: u64) -> Vec<u64> {
        let nodes = self.nodes().into_iter();
        nodes.filter(|&node| node != than).collect()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path of a file that the commands share. The file is in memory: a process that
    /// waits for a slow disk cannot be killed, and these tests do not test this limit.
    pub(crate) fn shared(&self, name: &str) -> PathBuf {
        self.memory.path().join(name)
    }

    /// Returns the address at which a node serves HTTP, if a test gives this address to the node.
    pub(crate) fn http(&self, id: u64) -> String {
        let address = self.address(id);
        format!("{}:{}", address.ip(), address.port() + 50)
    }

    pub(crate) fn address(&self, id: u64) -> SocketAddr {
        self.addresses[usize::try_from(id).unwrap() - 1]
    }

    /// Returns the command line of a node, without the command that the node runs.
    pub(crate) fn command(&self, subcommand: &str, id: u64) -> Command {
        let mut command = self.bare(subcommand, id);
        command
            .args(["--listen", &self.address(id).to_string()])
            .args(&self.setup.arguments);
        if self.setup.has_http {
            command.args(["--http", &self.http(id), "--token-file"]);
            command.arg(self.path("token"));
        }
        command
    }

    /// Returns the command line of a node as [`command`](Self::command) does, but without the
    /// address to listen on, without HTTP, and without the arguments of the test.
    pub(crate) fn bare(&self, subcommand: &str, id: u64) -> Command {
        let id_text = id.to_string();
        let mut command = elector(&[subcommand, "--id", &id_text, "--log-format", "json"]);
        command
            .args(["--algorithm", self.setup.algorithm])
            .args(["--peers", &self.peers(id)])
            .arg("--config")
            .arg(self.path("settings.toml"))
            .arg("--data-dir")
            .arg(self.path(&id_text));
        command
    }

    fn peers(&self, of: u64) -> String {
        let address = |to| match &self.wires {
            Some(wires) if to != of => wires.address(of, to),
            _ => self.address(to),
        };
        let nodes = self.nodes().into_iter();
        let peers: Vec<_> = nodes.map(|to| format!("{to}={}", address(to))).collect();
        peers.join(",")
    }

    /// Starts a node.
    pub(crate) fn spawn(&mut self, id: u64) {
        self.spawn_as(id, self.full_command(id));
    }

    /// Returns the command line of a node, with the command that the node runs.
    pub(crate) fn full_command(&self, id: u64) -> Command {
        if self.setup.command.is_empty() {
            return self.command("node", id);
        }
        let mut command = self.command("run", id);
        command.arg("--").args(&self.setup.command);
        command.env(child::FOLDER, self.memory.path());
        command
    }

    /// Starts a node with this command line.
    pub(crate) fn spawn_as(&mut self, id: u64, mut command: Command) {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        self.spawn_to(id, command);
    }

    /// Starts a node with this command line, and with the streams that the caller has set in it. If
    /// standard error is a pipe, it is read as the log of the node.
    pub(crate) fn spawn_to(&mut self, id: u64, mut command: Command) {
        if let Some(wires) = &self.wires {
            wires.foresee_return(id);
        }
        let mut child = command.spawn().unwrap();
        self.lives += 1;
        if let Some(log) = child.stderr.take() {
            self.logs.read(id, self.lives, log);
        }
        let before = self.running.insert(id, child);
        assert!(before.is_none(), "node {id} runs already");
    }

    pub(crate) fn is_running(&mut self, id: u64) -> bool {
        let child = self.running.get_mut(&id);
        child.is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    pub(crate) fn pid(&self, id: u64) -> Pid {
        Pid::from_child(&self.running[&id])
    }

    /// Returns the process id of the guardian of a node, which stops the node's command. Returns
    /// `None` if the node has no guardian.
    pub(crate) fn guardian(&self, id: u64) -> Option<Pid> {
        let children = children(self.pid(id));
        children
            .into_iter()
            .find(|&pid| name(pid) == "elector-guard")
    }

    pub(crate) fn signal(&self, id: u64, signal: Signal) {
        // It is no error if the process has ended by itself a moment ago.
        let _ = kill_process(self.pid(id), signal);
    }

    /// Kills a node with SIGKILL, and waits for its end. The guardian of the node, which stops its
    /// command, may live a little longer.
    pub(crate) fn kill(&mut self, id: u64) {
        self.foresee_end(id);
        self.signal(id, Signal::KILL);
        self.ended(id);
    }

    /// Informs the wires (proxies between the nodes) that this node will end: as soon as the node
    /// has exited, the wires to it refuse connections.
    pub(crate) fn foresee_end(&self, id: u64) {
        if let Some(wires) = &self.wires {
            wires.foresee_end(id);
        }
    }

    /// Waits until the process of a node has ended. Returns its exit code, or the negative number
    /// of the signal that killed it.
    pub(crate) fn ended(&mut self, id: u64) -> i32 {
        let mut child = self.running.remove(&id).unwrap();
        let mut ended = None;
        until(&format!("node {id} ends"), || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        });
        code(ended.unwrap())
    }

    /// Waits until all nodes that run know the same leader. Returns the epoch and the id of the
    /// leader.
    pub(crate) fn leader(&self) -> (u64, u64) {
        self.leader_after(0)
    }

    /// Returns the time at which the view of the node changed last, in nanoseconds on the clock of
    /// [`elector_core::actor::now`].
    pub(crate) fn led_at(&self, id: u64) -> u64 {
        self.logs
            .inspect(|lines| lines.view_of(id).map(|view| view.at_ns))
            .unwrap()
    }

    /// Does the same as [`leader`](Self::leader), but waits for a leader of a later epoch than
    /// `epoch`.
    pub(crate) fn leader_after(&self, epoch: u64) -> (u64, u64) {
        let nodes: Vec<u64> = self.running.keys().copied().collect();
        self.logs.wait_until("one leader", |lines| {
            lines.agreed(&nodes).filter(|&(newer, _)| newer > epoch)
        })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Returns the child processes that the first thread of a process has started.
pub(crate) fn children(of: Pid) -> Vec<Pid> {
    let pid = of.as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let pids = children.split_ascii_whitespace();
    pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}

/// Returns the name of a process, or an empty text if there is no such process.
pub(crate) fn name(pid: Pid) -> String {
    let name = fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero()));
    name.unwrap_or_default().trim_end().to_owned()
}

/// Returns `true` if there is no such process, or if it is a zombie.
pub(crate) fn has_ended(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let state = |stat: String| {
        let state = stat.rsplit(") ").next()?.chars().next()?;
        Some(matches!(state, 'Z' | 'X'))
    };
    stat.map_or(true, |stat| state(stat).unwrap_or(false))
}
