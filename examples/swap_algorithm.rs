//! One program for four algorithms. Its code names the type of no algorithm. The features of the
//! crate `elector` decide which algorithms it runs:
//!
//! ```text
//! cargo run --release -p elector --example swap_algorithm
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features paxos
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features bully
//! cargo run --release -p elector --example swap_algorithm --no-default-features --features ring
//! cargo run --release -p elector --example swap_algorithm --all-features
//! ```
//!
//! The program is generic over `ElectionAlgorithm`, and `Algorithm::visit` calls the program with
//! the type of the algorithm that has a given name. An application that always has exactly one
//! feature on uses `elector::Selected` instead.

use std::{
    error::Error,
    pin::Pin,
    time::{Duration, Instant},
};

use elector::{Algorithm, AnyElector, BoxError, Cluster, ElectionAlgorithm, Visitor};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("Three nodes elect a leader. The leader leaves, and another node leads.\n");
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
    println!("\nLook at: the guarantee. The program must know nothing else about the algorithm. A");
    println!("quorum algorithm returns tokens for a `Fence`, a best-effort algorithm does not.");
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
    let (send, mut started) = mpsc::unbounded_channel();
    for elector in cluster.running() {
        let elector = AnyElector::from(elector.clone());
        let node = elector.node_id();
        let send = send.clone();
        tokio::spawn(async move {
            let work = elector.lead(async |me| -> Result<(), BoxError> {
                send.send((node, me.token()?))?;
                std::future::pending().await
            });
            work.await
        });
    }
    let first = cluster.leader().await;
    let token = loop {
        // Under best effort, other nodes may have started the work, too, before they knew the
        // leader `first`.
        match started.recv().await.ok_or("no node led")? {
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
