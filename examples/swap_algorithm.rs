//! One program, four algorithms: the feature decides which, and nothing else changes.
//!
//! ```text
//! cargo run --example swap_algorithm
//! cargo run --example swap_algorithm --no-default-features --features paxos
//! cargo run --example swap_algorithm --no-default-features --features bully
//! cargo run --example swap_algorithm --no-default-features --features ring
//! ```
//!
//! With all features on there is no `Selected`, and the program chooses at run time, by name:
//! `cargo run --example swap_algorithm --all-features -- bully`

use elector::{Cluster, ElectionAlgorithm, Guarantee};

async fn elect<A: ElectionAlgorithm>() -> Result<(), Box<dyn std::error::Error>> {
    let mut cluster = Cluster::<A>::start(5).await?;
    let first = cluster.leader().await;
    cluster.kill(first).await;
    let second = cluster.leader().await;
    let (name, guarantee) = (A::NAME, A::Guarantee::KIND);
    println!("{name} ({guarantee}): node {first} led, was killed, and now node {second} leads");
    cluster.shutdown().await;
    Ok(())
}

// With all four on, the choice is made at run time.
#[cfg(all(
    feature = "raft",
    feature = "paxos",
    feature = "bully",
    feature = "ring"
))]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use elector::Algorithm;

    let named = std::env::args().nth(1);
    let chosen = named.map_or(Ok(Algorithm::ALL.to_vec()), |name| {
        name.parse().map(|algorithm| vec![algorithm])
    })?;
    for algorithm in chosen {
        match algorithm {
            Algorithm::Raft => elect::<elector::raft::Raft>().await?,
            Algorithm::Paxos => elect::<elector::paxos::Paxos>().await?,
            Algorithm::Bully => elect::<elector::bully::Bully>().await?,
            Algorithm::Ring => elect::<elector::ring::Ring>().await?,
        }
    }
    Ok(())
}

// With exactly one on, `Selected` is it; with two or three on, this does not compile, and says why.
#[cfg(not(all(
    feature = "raft",
    feature = "paxos",
    feature = "bully",
    feature = "ring"
)))]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    elect::<elector::Selected>().await
}
