//! Trials of elector with real processes, on one machine. Each host is a network namespace. This
//! program is the switch between the hosts: it delays or loses packets, and cuts paths between
//! hosts.

mod chaos;
mod cluster;
mod error;
mod host;
mod namespace_lock;
mod path;
mod program;
mod reject;
mod switch;
mod system;
mod trial;
mod witness;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use comfy_table::{Table, presets::ASCII_MARKDOWN};

use crate::{
    chaos::Chaos,
    error::Error,
    switch::Switch,
    system::System,
    trial::{Cut, Strain, StrainResult},
};

/// Trials of elector between network namespaces of this machine. Needs root, `ip` and /dev/net/tun.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
    /// Compare elector with other systems, all with their default settings, under the same faults
    Defaults(Defaults),
    /// Inject random faults, and look for two leaders, two commands at once, or tokens that do not
    /// rise
    Chaos(Chaos),
    /// The command that runs on the leader of a trial
    #[command(hide = true)]
    Witness { folder: PathBuf },
    /// The TCP proxy in front of a node of a trial
    #[command(hide = true)]
    Relay { listen: SocketAddr, to: SocketAddr },
}

#[derive(Debug, clap::Args)]
struct Defaults {
    /// Path of the program `elector`
    #[arg(long, default_value = "target/release/elector")]
    elector: PathBuf,
    /// Systems to compare
    #[arg(long, value_delimiter = ',', default_value = "elector,etcd")]
    systems: Vec<System>,
    /// Duration of each strain, in seconds. A strain is a fault that lasts for the whole trial
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Number of times that the leader is cut off, for each system and each kind of cut
    #[arg(long, default_value_t = 30)]
    cuts: usize,
    /// Run only the trials whose name in the tables contains this text
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().mode {
        Mode::Defaults(arguments) => compare(&arguments),
        Mode::Chaos(arguments) => chaos::chaos(&arguments),
        Mode::Witness { folder } => witness::witness(&folder),
        Mode::Relay { listen, to } => chaos::relay(listen, to).map_err(Error::from),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Defaults) -> Result<(), Error> {
    let elector = arguments.elector.canonicalize();
    let elector = elector.map_err(|error| Error::Elector(arguments.elector.clone(), error))?;
    let switch = Switch::new(3)?;
    let mut strains = Table::new();
    strains.load_style(ASCII_MARKDOWN).set_header([
        "strain",
        "system",
        "changes of the leader",
        "ends of the command",
        "command down",
        "violations",
    ]);
    let duration = Duration::from_secs(arguments.seconds);
    let all = [
        Strain::Quiet,
        Strain::RoundTrip(42),
        Strain::RoundTrip(100),
        Strain::RoundTrip(200),
        Strain::Loss(5),
        Strain::Busy(4),
        Strain::Loss(20),
    ];
    for strain in all
        .into_iter()
        .filter(|strain| strain.name().contains(&arguments.only))
    {
        for &system in &arguments.systems {
            let result = strain.run(system, &switch, &elector, duration)?;
            strains.add_row(row(strain, system, result));
            eprintln!("{}, {}: {result:?}", strain.name(), system.name());
        }
    }
    println!("{strains}\n");
    let mut cuts = Table::new();
    cuts.load_style(ASCII_MARKDOWN)
        .set_header(["fault", "system", "median", "p90", "worst", "cuts"]);
    for cut in [Cut::BlackHole, Cut::Input] {
        for &system in arguments
            .systems
            .iter()
            .filter(|_| cut.name().contains(&arguments.only))
        {
            let times = cut.run(system, &switch, &elector, arguments.cuts)?;
            let quantile = |part: f64| {
                let index = (times.len() as f64 * part) as usize;
                let time = times.get(index.min(times.len().saturating_sub(1)));
                time.map_or_else(String::new, |time| format!("{} ms", time.as_millis()))
            };
            cuts.add_row([
                cut.name().to_owned(),
                system.name().to_owned(),
                quantile(0.5),
                quantile(0.9),
                quantile(1.0),
                times.len().to_string(),
            ]);
        }
    }
    println!("{cuts}");
    Ok(())
}

fn row(strain: Strain, system: System, result: StrainResult) -> [String; 6] {
    let has_command = system != System::Etcd;
    let of_command = |text: String| if has_command { text } else { "-".into() };
    let share = 100.0 * result.down.as_secs_f64() / result.duration.as_secs_f64();
    [
        strain.name(),
        system.name().to_owned(),
        result.changes.to_string(),
        of_command(result.ends.to_string()),
        of_command(format!("{share:.1} %")),
        of_command(result.violations.to_string()),
    ]
}
