//! Three nodes elect a leader, the leader is killed, and another one takes over.
//!
//! `cargo run --example quickstart`

use std::time::Instant;

use elector::{Cluster, raft::Raft};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Within this process. One process a node: `Elector::<Raft>::builder("name")`.
    let mut cluster = Cluster::<Raft>::start(3).await?;

    let started = Instant::now();
    let leader = cluster.leader().await;
    println!("node {leader} leads, after {:.0?}", started.elapsed());

    let elector = cluster.node(leader).ok_or("it runs")?;
    let me = elector.campaign().await?;
    println!("its work holds {me:?}");
    println!("what it writes goes with token {:?}", me.token()?);

    let killed = Instant::now();
    cluster.kill(leader).await;
    println!(
        "killed node {leader}; its work may go on? {:?}",
        me.check().is_ok()
    );
    let next = cluster.leader().await;
    println!("node {next} leads, {:.0?} after the kill", killed.elapsed());

    cluster.restart(leader).await?;
    cluster.shutdown().await;
    Ok(())
}
