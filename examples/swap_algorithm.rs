//! One program, four algorithms: it names none of them. Which one it runs on is a feature:
//!
//! ```text
//! cargo run --release -p elector --example swap_algorithm
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features paxos
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features bully
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features ring
//! cargo run --release -p elector --example swap_algorithm --all-features
//! ```
//!
//! With one feature on, `elector::Selected` is that algorithm. With several on, as in the last
//! line, the choice is made at run time, by name (`AnyElector`), and the program runs on each.

use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("Three nodes elect a leader, it leaves, and another one leads.\n");
    program::run().await?;
    println!("\nLook at: the guarantee. It is all that the program must know of the algorithm: a");
    println!(
        "quorum algorithm hands out tokens for a `Fence`, a best-effort one has none to give."
    );
    Ok(())
}

/// Exactly one feature is on: the algorithm is a type.
#[cfg(not(any(
    all(
        feature = "raft",
        any(feature = "paxos", feature = "bully", feature = "ring")
    ),
    all(feature = "paxos", any(feature = "bully", feature = "ring")),
    all(feature = "bully", feature = "ring"),
)))]
mod program {
    use std::{error::Error, time::Instant};

    use elector::{Cluster, ElectionAlgorithm, Guarantee, Selected};

    pub(super) async fn run() -> Result<(), Box<dyn Error>> {
        let guarantee = <Selected as ElectionAlgorithm>::Guarantee::KIND;
        println!(
            "{}, chosen by its feature; guarantee: {guarantee}",
            Selected::NAME
        );
        let mut cluster = Cluster::<Selected>::start(3).await?;
        let first = cluster.leader().await;
        println!("  node {first} leads");
        let left = Instant::now();
        cluster.kill(first).await;
        let next = cluster.leader().await;
        println!(
            "  it is killed; {:.1?} later node {next} leads",
            left.elapsed()
        );
        cluster.shutdown().await;
        Ok(())
    }
}

/// Several features are on: the algorithm is a name.
#[cfg(any(
    all(
        feature = "raft",
        any(feature = "paxos", feature = "bully", feature = "ring")
    ),
    all(feature = "paxos", any(feature = "bully", feature = "ring")),
    all(feature = "bully", feature = "ring"),
))]
mod program {
    use std::{
        error::Error,
        time::{Duration, Instant},
    };

    use elector::{Algorithm, AnyCluster, AnyLeadership};
    use tokio::sync::mpsc;

    pub(super) async fn run() -> Result<(), Box<dyn Error>> {
        for name in ["raft", "paxos", "bully", "ring"] {
            let algorithm: Algorithm = name.parse()?;
            if algorithm.is_available() {
                run_on(algorithm).await?;
            }
        }
        Ok(())
    }

    async fn run_on(algorithm: Algorithm) -> Result<(), Box<dyn Error>> {
        println!(
            "{algorithm}, chosen by its name; guarantee: {}",
            algorithm.guarantee()
        );
        let cluster = AnyCluster::start(algorithm, 3).await?;
        let (send, mut began) = mpsc::unbounded_channel();
        for elector in cluster.running() {
            let node = elector.node_id();
            let send = send.clone();
            tokio::spawn(async move {
                let work = |me: AnyLeadership| {
                    let send = send.clone();
                    async move {
                        send.send((node, me.token()?))?;
                        std::future::pending().await
                    }
                };
                elector.lead(work).await
            });
        }
        let first = cluster.leader().await;
        let token = loop {
            // Under best effort others may have begun as well, until they heard of this one.
            match began.recv().await.ok_or("nobody led")? {
                (node, token) if node == first => break token,
                _ => {}
            }
        };
        let tokens = if token.is_some() {
            "has a token"
        } else {
            "has no token"
        };
        println!("  node {first} leads, and {tokens}");
        let left = Instant::now();
        let leaving = cluster.node(first).ok_or("it runs")?;
        let next = leaving.leave(Duration::from_secs(5)).await?;
        let next = next.ok_or("nobody led after it")?;
        println!(
            "  it leaves; {:.1?} later node {next} leads",
            left.elapsed()
        );
        cluster.shutdown().await;
        Ok(())
    }
}
