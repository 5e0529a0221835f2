//! Why a lease is not enough, and what a fence is for. A leader checks its leadership, then its
//! process stalls (garbage collection, a swapped-out page, a suspended laptop). Meanwhile another
//! one is elected and writes. The first wakes up in the middle of its write.
//!
//! `cargo run --example fencing_accident`

use elector::{Cluster, Fence, FencingToken, StaleToken, raft::Raft};

/// A store that takes what comes.
#[derive(Debug, Default)]
struct Unfenced(Vec<&'static str>);

/// A store that asks for tokens.
#[derive(Debug, Default)]
struct Fenced(Fence, Vec<&'static str>);

impl Fenced {
    fn write(&mut self, token: FencingToken, row: &'static str) -> Result<(), StaleToken> {
        self.0.admit(token)?;
        self.1.push(row);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::<Raft>::start(3).await?;
    let (mut unfenced, mut fenced) = (Unfenced::default(), Fenced::default());

    let first = cluster.leader().await;
    let old = cluster.node(first).ok_or("it runs")?.campaign().await?;
    let old_token = old.token()?;
    println!(
        "node {first} leads epoch {}: it has checked, and is about to write ...",
        old.epoch()
    );

    println!("... when it stalls; nobody hears of it any more");
    cluster.isolate(first);
    let mut others = Vec::new();
    for elector in cluster.running().filter(|other| other.node_id() != first) {
        let elector = elector.clone();
        others.push(tokio::spawn(async move {
            let me = elector.campaign().await?;
            Ok::<_, elector::actor::CommandError>((elector.node_id(), me))
        }));
    }
    let (second, new) = {
        let (one, two) = (others.remove(0), others.remove(0));
        tokio::select! { won = one => won??, won = two => won?? }
    };
    println!("node {second} leads epoch {}, and writes", new.epoch());
    unfenced.0.push("the second leader's row");
    fenced.write(new.token()?, "the second leader's row")?;

    println!("node {first} wakes up in the middle of its write:");
    unfenced.0.push("the first leader's row, too late");
    println!("  the unfenced store is corrupted: {:?}", unfenced.0);
    match fenced.write(old_token, "the first leader's row, too late") {
        Err(stale) => println!("  the fenced store refuses: {stale}"),
        Ok(()) => return Err("the fence let a stale write through".into()),
    }
    println!(
        "  had it asked once more: {}",
        old.check().expect_err("its lease has run out")
    );
    Ok(())
}
