//! Tests the command line of a program with its own `main`. With the environment variable
//! [`AS_EXAMPLE`], this program is `examples/my_algorithm.rs`; otherwise it tests that example.
//! This program has no test harness, because the example starts new processes of this program:
//! guardians (a guardian kills the command of a leader before the lease ends), and nodes with a
//! cleaned environment. These processes must start at the `main` of the example.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::unwrap_used, reason = "a test that cannot continue must fail")
)]

#[path = "../examples/my_algorithm.rs"]
mod my_algorithm;

use std::{env, process::ExitCode};

/// The environment variable that makes this program the example.
const AS_EXAMPLE: &str = "AS_EXAMPLE";

fn main() -> ExitCode {
    if env::var_os(AS_EXAMPLE).is_some() {
        return my_algorithm::main();
    }
    #[cfg(target_os = "linux")]
    checks::all();
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
mod checks {
    use std::{
        env, fs,
        net::TcpListener,
        path::Path,
        process::{Child, Command, Output, Stdio},
        thread::sleep,
        time::{Duration, Instant},
    };

    use super::AS_EXAMPLE;

    /// The limit for each wait. A check that waits longer has failed.
    const TIMEOUT: Duration = Duration::from_secs(60);

    /// Runs all checks, or those whose name contains the first argument.
    pub(super) fn all() {
        let checks: [(&str, fn()); 6] = [
            ("it_is_listed_and_compared", it_is_listed_and_compared),
            ("its_runs_can_be_repeated", its_runs_can_be_repeated),
            ("it_is_checked", it_is_checked),
            ("shells_complete_its_name", shells_complete_its_name),
            ("its_settings_are_checked", its_settings_are_checked),
            (
                "its_command_moves_to_another_node",
                its_command_moves_to_another_node,
            ),
        ];
        let wanted = env::args()
            .skip(1)
            .find(|argument| !argument.starts_with('-'));
        let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted));
        for (name, check) in checks.into_iter().filter(|(name, _)| is_wanted(name)) {
            check();
            println!("my_algorithm::{name} ... ok");
        }
    }

    fn command(arguments: &str) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(arguments.split(' '))
            .env(AS_EXAMPLE, "1")
            .stdin(Stdio::null());
        command
    }

    /// Returns the standard output of the example, which must succeed.
    fn stdout_of(command: &mut Command) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let (output, errors) = (String::from_utf8(stdout), String::from_utf8_lossy(&stderr));
        assert!(status.success(), "{command:?}: {errors}");
        output.unwrap()
    }

    // The command line of the example must offer its algorithm, which is from outside of the
    // workspace, like the built-in ones.
    fn it_is_listed_and_compared() {
        let list = stdout_of(&mut command("algorithms"));
        assert!(
            list.contains("mine — quorum") && list.contains("raft/plain"),
            "{list}"
        );
        let compare = "compare --algorithms mine,raft/plain --nodes 3 --runs 2 --format csv";
        let table = stdout_of(&mut command(compare));
        let rows = table
            .lines()
            .filter(|line| line.starts_with("mine,default,quorum,3,"));
        assert!(rows.count() > 10, "{table}");
    }

    // A command that `compare` prints to repeat a run must start this program, and not the command
    // `elector` of the workspace.
    fn its_runs_can_be_repeated() {
        let folder = tempfile::tempdir().unwrap();
        let compare = "compare --algorithms mine --nodes 3 --scenarios boot --runs 1 --out";
        stdout_of(command(compare).arg(folder.path()));
        let manifest = fs::read_to_string(folder.path().join("manifest.json")).unwrap();
        let again = "cargo run --release --example my_algorithm -- compare --algorithms mine";
        assert!(manifest.contains(again), "{manifest}");
    }

    // The model checker must also check an algorithm from outside of the workspace, and its lease.
    fn it_is_checked() {
        let bounds = "--nodes 3 --ticks 4 --led --timeouts 2 --late 0";
        let search = stdout_of(&mut command(&format!("check --algorithm mine {bounds}")));
        assert!(
            search.contains("exclusive-lease           holds in every run"),
            "{search}"
        );
        assert!(
            search.contains("lease-held                happens"),
            "{search}"
        );
        stdout_of(&mut command("check --algorithm mine --walks 100"));
    }

    // The completions of a shell must offer the algorithm like the built-in ones.
    fn shells_complete_its_name() {
        let script = stdout_of(&mut command("completions bash"));
        assert!(script.contains(" raft/plain "), "{script}");
        assert!(script.contains(" mine mine/default"), "{script}");
    }

    /// A cluster of three nodes on this machine.
    struct Cluster {
        folder: tempfile::TempDir,
        peers: String,
    }

    impl Cluster {
        fn formatted() -> Self {
            let listeners: Vec<_> = (0..3)
                .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
                .collect();
            let addresses = listeners
                .iter()
                .map(|listener| listener.local_addr().unwrap());
            let peers = (1..)
                .zip(addresses)
                .map(|(id, address)| format!("{id}={address}"));
            let cluster = Self {
                folder: tempfile::tempdir().unwrap(),
                peers: peers.collect::<Vec<_>>().join(","),
            };
            for id in 1..=3 {
                stdout_of(cluster.node("node", id).arg("--init"));
            }
            cluster
        }

        fn node(&self, subcommand: &str, id: u64) -> Command {
            let folder = self.folder.path().join(id.to_string());
            let mut command = command(subcommand);
            let (id, peers) = (id.to_string(), self.peers.as_str());
            command.args([
                "--algorithm",
                "mine",
                "--id",
                &id,
                "--peers",
                peers,
                "--data-dir",
            ]);
            command.arg(folder);
            command
        }
    }

    // The whole configuration of this algorithm is its timing, and a file can set it. An empty
    // environment variable counts as not set: the program starts itself again without this
    // variable.
    fn its_settings_are_checked() {
        let cluster = Cluster::formatted();
        let file = cluster.folder.path().join("elector.toml");
        fs::write(&file, "[timing]\nheartbeat_ms = 77\n").unwrap();
        let mut check = cluster.node("node", 1);
        check.args(["--check-config", "--config"]).arg(&file);
        let report = stdout_of(check.env("ELECTOR_NAME", ""));
        assert!(report.contains("algorithm  mine, quorum"), "{report}");
        assert!(report.contains("cluster \"elector\""), "{report}");
        assert!(report.contains("\"heartbeat_ms\":77"), "{report}");
        let shown = stdout_of(command("record show").arg(cluster.folder.path().join("1")));
        assert!(shown.contains("highest generation  1"), "{shown}");
    }

    /// The process of a node. It is killed at the end of the test.
    struct Node(Child);

    impl Drop for Node {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// Waits until a file has this number of lines, and returns them.
    fn lines(file: &Path, count: usize) -> Vec<String> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let text = fs::read_to_string(file).unwrap_or_default();
            if text.matches('\n').count() >= count {
                return text.lines().map(str::to_owned).collect();
            }
            assert!(
                Instant::now() < deadline,
                "{count} lines are expected: {text:?}"
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// Returns `true` if this process has not ended. A killed process stays in `/proc` until its
    /// parent has read its exit status.
    fn is_alive(process: u64) -> bool {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    // The node that leads is killed. Its guardian, which is a process of this test program and
    // outlives the node, must kill the command of the leader. The command must start on another
    // node, with a higher fencing token.
    fn its_command_moves_to_another_node() {
        let cluster = Cluster::formatted();
        let file = cluster.folder.path().join("led");
        let shell = "echo $ELECTOR_NODE $ELECTOR_FENCING_TOKEN $$ >> $0; exec sleep 600";
        let start = |id| {
            let mut run = cluster.node("run", id);
            run.args(["--", "sh", "-c", shell])
                .arg(&file)
                .stderr(Stdio::null());
            (id, Node(run.spawn().unwrap()))
        };
        let mut nodes: Vec<(u64, Node)> = (1..=3).map(start).collect();
        let words = |line: &str| -> Vec<u64> {
            line.split(' ').map(|word| word.parse().unwrap()).collect()
        };
        let first = words(&lines(&file, 1)[0]);
        nodes.retain(|(id, _)| *id != first[0]);
        let second = words(&lines(&file, 2)[1]);
        assert_ne!(first[0], second[0]);
        assert!(first[1] < second[1], "{first:?} {second:?}");
        assert!(
            !is_alive(first[2]),
            "the command of the first leader still runs"
        );
    }
}
