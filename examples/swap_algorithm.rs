//! One program, four algorithms: it names none of them. Which ones it runs on is a matter of
//! features:
//!
//! ```text
//! cargo run --release -p elector --example swap_algorithm
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features paxos
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features bully
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features ring
//! cargo run --release -p elector --example swap_algorithm --all-features
//! ```
//!
//! The program is written for any `ElectionAlgorithm`, and `Algorithm::visit` gives it the type for
//! a name. An application that always has exactly one feature on uses `elector::Selected` instead.

use std::{
    error::Error,
    pin::Pin,
    time::{Duration, Instant},
};

use elector::{Algorithm, AnyElector, AnyLeadership, Cluster, ElectionAlgorithm, Visitor};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("Three nodes elect a leader, it leaves, and another one leads.\n");
    for name in ["raft", "paxos", "bully", "ring"] {
        let algorithm: Algorithm = name.parse()?;
        if algorithm.is_available() {
            println!(
                "{algorithm}, chosen by its name; guarantee: {}",
                algorithm.guarantee()
            );
            algorithm.visit(Program)?.await?;
        }
    }
    println!("\nLook at: the guarantee. It is all that the program must know of the algorithm: a");
    println!(
        "quorum algorithm hands out tokens for a `Fence`, a best-effort one has none to give."
    );
    Ok(())
}

struct Program;

impl Visitor for Program {
    type Output = Pin<Box<dyn Future<Output = Result<(), Box<dyn Error>>>>>;

    fn visit<A: ElectionAlgorithm>(self) -> Self::Output {
        Box::pin(run_on::<A>())
    }
}

async fn run_on<A: ElectionAlgorithm>() -> Result<(), Box<dyn Error>> {
    let cluster = Cluster::<A>::start(3).await?;
    let (send, mut began) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = AnyElector::from(elector.clone());
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
        match began.recv().await.ok_or("no node led")? {
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
    let next = next.ok_or("no node led after it")?;
    println!(
        "  it leaves; {:.1?} later node {next} leads",
        left.elapsed()
    );
    cluster.shutdown().await;
    Ok(())
}
