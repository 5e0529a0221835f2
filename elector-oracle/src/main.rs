//! Counts the states of the protocol, and shows which properties fail without each of its rules.

use elector_oracle::properties::{ELECTION_SAFETY, NAMES};
use elector_oracle::search::{count, shortest};
use elector_oracle::{Reconfiguration, Set, Variant};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: elector-oracle count SERVERS MAX_TERM MAX_VERSION one|two [THREADS]
       elector-oracle mutants SERVERS MAX_TERM MAX_VERSION
       elector-oracle shapes [trace]
The checks of a change are by one majority, or by two that may differ. Bounds are at most 6.";

const MUTANTS: [Variant; 6] = [
    Variant::NoConfigQuorum,
    Variant::NoTermQuorum,
    Variant::NoQuorums,
    Variant::NoComparison,
    Variant::NoRewrite,
    Variant::NoOverlap,
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if run(&arguments).is_none() {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Runs the command, or returns `None` if the arguments are not valid.
fn run(arguments: &[&str]) -> Option<()> {
    match *arguments {
        ["count", servers, term, version, checks] => {
            counts(servers, bounds(term, version)?, checks, "1")
        }
        ["count", servers, term, version, checks, threads] => {
            counts(servers, bounds(term, version)?, checks, threads)
        }
        ["mutants", servers, term, version] => mutants(servers, bounds(term, version)?),
        ["shapes"] => shapes(false),
        ["shapes", "trace"] => shapes(true),
        _ => None,
    }
}

/// Returns the bounds on the term and on the version, if they are at most 6: the state of a server
/// has three bits for each.
fn bounds(term: &str, version: &str) -> Option<(u16, u16)> {
    let bound = |text: &str| text.parse().ok().filter(|bound| *bound <= 6);
    Some((bound(term)?, bound(version)?))
}

fn counts(servers: &str, bounds: (u16, u16), checks: &str, threads: &str) -> Option<()> {
    let variant = match checks {
        "one" => Variant::OneMajority,
        "two" => Variant::TwoMajorities,
        _ => return None,
    };
    let threads = threads.parse().ok()?;
    match servers {
        "2" => print_counts::<2>(variant, bounds, threads),
        "3" => print_counts::<3>(variant, bounds, threads),
        "4" => print_counts::<4>(variant, bounds, threads),
        "5" => print_counts::<5>(variant, bounds, threads),
        _ => return None,
    }
    Some(())
}

fn print_counts<const N: usize>(variant: Variant, bounds: (u16, u16), threads: usize) {
    let start = Instant::now();
    let counts = count(
        Reconfiguration::<N>::new(variant, bounds.0, bounds.1),
        threads,
    );
    println!(
        "{variant:?}, {N} servers, bounds {bounds:?}: {counts:?}, {:.2?}",
        start.elapsed()
    );
}

fn mutants(servers: &str, bounds: (u16, u16)) -> Option<()> {
    match servers {
        "3" => print_mutants::<3>(bounds),
        "4" => print_mutants::<4>(bounds),
        "5" => print_mutants::<5>(bounds),
        _ => return None,
    }
    Some(())
}

/// Prints for each mutant (a variant of the protocol without one of its rules) and each property
/// the depth of a shortest counterexample.
fn print_mutants<const N: usize>(bounds: (u16, u16)) {
    for variant in MUTANTS {
        let model = Reconfiguration::<N>::new(variant, bounds.0, bounds.1);
        for name in NAMES {
            print_shortest(&format!("{variant:?}"), &model.clone().only(name), name);
        }
    }
}

/// Prints for three sequences of single-server changes, and for each set of checks before a change,
/// whether two servers can lead one term. Without the checks, they can in all three sequences: this
/// is the bug of Raft's single-server changes.
fn shapes(trace: bool) -> Option<()> {
    let checks = [
        Variant::NoQuorums,
        Variant::NoConfigQuorum,
        Variant::NoTermQuorum,
        Variant::TwoMajorities,
    ];
    for variant in checks {
        print_shape::<5>("add and remove", variant, &[0b1_1111, 0b0_1110], trace);
        print_shape::<6>("two adds", variant, &[0b01_1111, 0b10_1111], trace);
        print_shape::<4>("two removes", variant, &[0b0111, 0b1011], trace);
    }
    Some(())
}

fn print_shape<const N: usize>(shape: &str, variant: Variant, targets: &[Set], trace: bool) {
    let model = Reconfiguration::<N>::new(variant, 3, 2).single_changes(0b1111, targets);
    let model = model.only(ELECTION_SAFETY);
    print_shortest(&format!("{shape}, {variant:?}"), &model, ELECTION_SAFETY);
    if trace && variant == Variant::NoQuorums {
        print_trace(&model.without_symmetry());
    }
}

fn print_shortest<const N: usize>(title: &str, model: &Reconfiguration<N>, property: &str) {
    let start = Instant::now();
    match shortest(model) {
        Some(found) => print!("{title}: {property} fails at depth {}", found.depth()),
        None => print!("{title}: {property} holds"),
    }
    println!(", {:.2?}", start.elapsed());
}

fn print_trace<const N: usize>(model: &Reconfiguration<N>) {
    for (state, step) in shortest(model).into_iter().flat_map(|found| found.path) {
        match step {
            Some(step) => println!("    {step}"),
            None => println!("    {state:?}"),
        }
    }
}
