use std::ffi::OsString;

use clap::Args;

use super::{run_settings::RunSettings, settings::Settings};

/// The arguments of `elector node`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Before the first start, once on each node:
  elector node --id 1 --peers 1=db1:7100,2=db2:7100,3=db3:7100 --data-dir /var/lib/elector --init
Then start the node with the same command, without --init. To try it on one machine:
  elector node --id 1 --peers 1=127.0.0.1:7101,2=127.0.0.1:7102,3=127.0.0.1:7103 --data-dir d1

A node that joins a running cluster of raft or paxos needs no --init. It does not vote before
`elector members add 4` at the leader:
  elector node --id 4 --join 1=db1:7100 --listen :7100 --data-dir /var/lib/elector

A setting is a flag (--data-dir), a variable (ELECTOR_DATA_DIR) or a key in the file of --config
(data_dir). The flag takes precedence over the variable, and the variable over the file. Only the
file can have the tables [timing], [detection] and [options]: the durations of the algorithm, the
failure detection, and the options of the algorithm.

Signals:
  SIGTERM, SIGINT, SIGQUIT  the node hands over to the best peer and exits; after a second of these
                            signals it exits at once
  SIGHUP                    with a controlling terminal: the node hands over and exits;
                            without one: it reads the log filter and the certificates again
  SIGUSR1, SIGUSR2          ignored
Signals that were ignored at the start (nohup) stay ignored, except SIGTERM.

Exit code: 0 shut down as requested; 2 could not be started; 3 the node failed, and the reason is in
the log.")]
pub(crate) struct NodeArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Create the data folder of a node that has never run, for this list of nodes, and exit. If
    /// the disk of a node was lost, do not use this with --peers: the node could vote twice. Under
    /// raft and paxos, use --join, and then `elector members readmit`; under bully and ring, see
    /// `elector record set --help`
    #[arg(long)]
    pub(crate) init: bool,
    /// Check all settings and the data folder, print a summary, and exit. The exit code is 2 if the
    /// node could not start. With --init, check that the data folder has no record yet. This
    /// changes nothing, and may be used while the node runs
    #[arg(long)]
    pub(crate) check_config: bool,
}

/// The arguments of `elector run`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
COMMAND runs only on the node that leads. When the leadership ends, COMMAND gets SIGTERM and then
SIGKILL, so that it is dead before the lease ends. COMMAND also dies when the node is killed.

The environment of COMMAND contains ELECTOR_NODE, ELECTOR_EPOCH and, under raft and paxos,
ELECTOR_FENCING_TOKEN. Send this token with every write, and let the resource reject every token
that is lower than the highest one so far. The environment does not contain ELECTOR_TOKEN,
ELECTOR_TOKEN_FILE and ELECTOR_TLS_DIR.

COMMAND is expected to run for as long as the node leads. If it ends by itself, --on-exit says what
happens: under `resign` it starts again on the next leader, under `restart` on this node, and under
`wait` in the next tenure of any node.

Signals:
  SIGTERM, SIGINT, SIGQUIT  the node stops COMMAND, hands over to the best peer and exits; after a
                            second of these signals both exit at once
  SIGHUP                    with a controlling terminal: the node stops COMMAND, hands over and
                            exits; without one: it reads log filter and certificates again
  SIGUSR1, SIGUSR2          ignored
Signals that were ignored at the start (nohup) stay ignored, also in COMMAND, except SIGTERM.

Example:
  elector run --id 1 --peers 1=db1:7100,2=db2:7100,3=db3:7100 --data-dir /var/lib/elector \\
      -- /usr/bin/billing --serve

Exit code: 0 shut down as requested; 2 could not be started; 3 the node failed; 4 the guardian of
COMMAND failed; under --on-exit stop, the code of COMMAND (128 + the signal that killed it).")]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) node: NodeArguments,
    #[command(flatten)]
    pub(crate) run: RunSettings,
    /// The program that runs on the leader, with its arguments
    #[arg(
        last = true,
        value_name = "COMMAND",
        required_unless_present_any = ["init", "check_config"]
    )]
    pub(crate) command: Vec<OsString>,
}
