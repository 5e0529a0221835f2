//! Trials of elector in the field, on one machine: hosts are network namespaces, and a switch
//! between them delays, loses and cuts.

mod alone;
mod chaos;
mod cluster;
mod error;
mod host;
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
    trial::{Cut, Endured, Strain},
};

/// Trials of elector between network namespaces of this machine. Needs root, `ip` and /dev/net/tun.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Compare the default settings with those of other systems, under the same faults
    Defaults(Defaults),
    /// Random faults of every kind: no two leaders, no two commands, and rising tokens
    Chaos(Chaos),
    /// The command that runs on the leader of a trial
    #[command(hide = true)]
    Witness { folder: PathBuf },
    /// The proxy in front of a node of a trial
    #[command(hide = true)]
    Relay { listen: SocketAddr, to: SocketAddr },
}

#[derive(Debug, clap::Args)]
struct Defaults {
    /// The command `elector`
    #[arg(long, default_value = "target/release/elector")]
    elector: PathBuf,
    /// What is tried
    #[arg(long, value_delimiter = ',', default_value = "elector,etcd")]
    systems: Vec<System>,
    /// How long each strain lasts, in seconds
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// How often the leader is cut off
    #[arg(long, default_value_t = 30)]
    cuts: usize,
    /// Only rows whose name contains this
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().what {
        What::Defaults(defaults) => compare(&defaults),
        What::Chaos(asked) => chaos::chaos(&asked),
        What::Witness { folder } => witness::witness(&folder),
        What::Relay { listen, to } => chaos::relay(listen, to).map_err(Error::from),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(asked: &Defaults) -> Result<(), Error> {
    let elector = asked.elector.canonicalize();
    let elector = elector.map_err(|error| Error::Elector(asked.elector.clone(), error))?;
    let switch = Switch::new(3)?;
    let mut strains = Table::new();
    strains.load_style(ASCII_MARKDOWN).set_header([
        "strain",
        "system",
        "changes of the leader",
        "ends of the command",
        "command down",
        "wrong",
    ]);
    let lasting = Duration::from_secs(asked.seconds);
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
        .filter(|strain| strain.name().contains(&asked.only))
    {
        for &system in &asked.systems {
            let endured = strain.on(system, &switch, &elector, lasting)?;
            strains.add_row(row(strain, system, endured));
            eprintln!("{}, {}: {endured:?}", strain.name(), system.name());
        }
    }
    println!("{strains}\n");
    let mut cuts = Table::new();
    cuts.load_style(ASCII_MARKDOWN)
        .set_header(["fault", "system", "median", "p90", "worst", "times"]);
    for cut in [Cut::BlackHole, Cut::Input] {
        for &system in asked
            .systems
            .iter()
            .filter(|_| cut.name().contains(&asked.only))
        {
            let took = cut.on(system, &switch, &elector, asked.cuts)?;
            let at = |part: f64| {
                let place = (took.len() as f64 * part) as usize;
                let found = took.get(place.min(took.len().saturating_sub(1)));
                found.map_or_else(String::new, |took| format!("{} ms", took.as_millis()))
            };
            cuts.add_row([
                cut.name().to_owned(),
                system.name().to_owned(),
                at(0.5),
                at(0.9),
                at(1.0),
                took.len().to_string(),
            ]);
        }
    }
    println!("{cuts}");
    Ok(())
}

fn row(strain: Strain, system: System, endured: Endured) -> [String; 6] {
    let command = system != System::Etcd;
    let of = |told: String| if command { told } else { "-".into() };
    let share = 100.0 * endured.down.as_secs_f64() / endured.lasted.as_secs_f64();
    [
        strain.name(),
        system.name().to_owned(),
        endured.changes.to_string(),
        of(endured.ends.to_string()),
        of(format!("{share:.1} %")),
        of(endured.wrong.to_string()),
    ]
}
