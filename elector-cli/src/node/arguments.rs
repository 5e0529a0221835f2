use clap::Args;

use super::settings::Settings;

/// `elector node`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The first time, on each node, once:
  elector node --id 1 --peers 1=db1:7100,2=db2:7100,3=db3:7100 --data-dir /var/lib/elector --init
and from then on the same without --init. On one machine, to try it:
  elector node --id 1 --peers 1=127.0.0.1:7101,2=127.0.0.1:7102,3=127.0.0.1:7103 --data-dir d1

Each setting is a flag, a variable (--data-dir: ELECTOR_DATA_DIR) or a key in the file of --config
(data_dir); the first of these that is there counts. Only a file can have the tables [timing],
[detection] and [options], the durations and options of the algorithm.

SIGTERM, SIGINT, SIGQUIT: the node hands over to the best peer and ends; the second of them ends it
at once. SIGHUP with a controlling terminal: the same, but for the second; without one: the log
filter and the certificates are read again. SIGUSR1, SIGUSR2: ignored. Signals that were ignored at
the start (nohup) stay ignored, but for SIGTERM.
Exit code: 0 ended as it was told to; 2 could not be started; 3 ended by itself, and why is logged.")]
pub(crate) struct NodeArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Make the data folder of a node that has never run, for this list of nodes, and end. A node
    /// whose disk was lost must not be formatted and started: it might vote twice. See `elector
    /// members set --help`
    #[arg(long)]
    pub(crate) init: bool,
    /// Check all settings and the data folder, say what they come to, and end: with code 2 for what
    /// would keep the node from starting. With --init, check that the data folder can be made.
    /// Changes nothing, and may be used while the node runs
    #[arg(long)]
    pub(crate) check_config: bool,
}
