//! Three processes elect a leader over TCP, with votes on disk. The leader is killed, as by `kill
//! -9`, and returns. Run it with `cargo run --release --features net --example multi_process`.
//!
//! The parent process only starts and kills the other processes. Each child is like a real node:
//! `main` with a builder, and work that runs while it leads. Here all nodes are on one machine. On
//! three machines, only the addresses differ.

use std::{
    env,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use elector::{BoxError, Elector, Raft, actor::Peer, net::NetBuilder};

/// Runs a node, in a process of its own.
#[tokio::main(flavor = "current_thread")]
async fn node(id: u64, peers: Vec<Peer>, folder: &Path) -> Result<(), BoxError> {
    let node = Elector::builder("billing")
        .algorithm::<Raft>()
        .node_id(id)
        .peers(peers)
        .data_dir(folder);
    if !folder.exists() {
        node.format()?; // Only before its first start. In production, an operator formats it.
    }
    let elector = node.start().await?;
    let work = elector.lead(async |me| {
        println!("{id} leads epoch {}", me.epoch());
        me.lost().await; // The leader's work. It is dropped when the leadership is lost.
    });
    Ok(work.await?)
}

/// The processes of the three nodes, which the parent process starts and kills.
struct Cluster {
    peers: String,
    folder: PathBuf,
    lines: (Sender<String>, Receiver<String>),
    running: Vec<(u64, Child)>,
}

impl Cluster {
    fn start(&mut self, id: u64) -> Result<(), BoxError> {
        let mut child = Command::new(env::current_exe()?)
            .args([&id.to_string(), &self.peers])
            .arg(self.folder.join(id.to_string()))
            .stdout(Stdio::piped())
            .spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
        let sender = self.lines.0.clone();
        thread::spawn(move || {
            output
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        self.running.push((id, child));
        Ok(())
    }

    /// Waits until a node prints that it leads, and returns its id.
    fn leader(&self) -> Result<u64, BoxError> {
        let line = self.lines.1.recv_timeout(Duration::from_secs(30))?;
        println!("  node {line}");
        let id = line.split(' ').next().ok_or("an empty line")?;
        Ok(id.parse()?)
    }

    /// Kills the process of this node, as by `kill -9`.
    fn kill(&mut self, id: u64) -> Result<(), BoxError> {
        let place = self.running.iter().position(|(known, _)| *known == id);
        let (_, mut child) = self.running.swap_remove(place.ok_or("it does not run")?);
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            // The process may have ended already.
            let _ = child.kill().and_then(|()| child.wait().map(drop));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn parent() -> Result<(), BoxError> {
    let reserved = (0..3).map(|_| TcpListener::bind("127.0.0.1:0"));
    let reserved = reserved.collect::<Result<Vec<_>, _>>()?;
    let peers = (1..).zip(&reserved).map(|(id, socket)| {
        let address = socket.local_addr()?;
        Ok::<_, BoxError>(format!("{id}={address}"))
    });
    let peers = peers.collect::<Result<Vec<_>, _>>()?.join(",");
    drop(reserved);
    let mut cluster = Cluster {
        peers,
        folder: env::temp_dir().join(format!("elector-example-{}", std::process::id())),
        lines: channel(),
        running: Vec::new(),
    };
    println!("Three processes start: {}", cluster.peers);
    for id in 1..=3 {
        cluster.start(id)?;
    }
    let mut leader = cluster.leader()?;
    for _ in 0..3 {
        // Wait until all nodes know the leader, as in a cluster that has run for a while.
        thread::sleep(Duration::from_millis(500));
        println!("\nNode {leader} is killed.");
        let killed = Instant::now();
        cluster.kill(leader)?;
        let next = cluster.leader()?;
        println!("  Another node led after {:.1?}.", killed.elapsed());
        cluster.start(leader)?; // Its vote is still on its disk.
        leader = next;
    }
    println!(
        "\nLook at: each epoch is higher than the last one. No process reports the death of a"
    );
    println!("node here, so the others wait for the end of its lease. `elector::heir` reports it.");
    Ok(())
}

fn main() -> Result<(), BoxError> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => parent(),
        [id, peers, folder] => {
            let peers = peers.split(',').map(str::parse).collect::<Result<_, _>>()?;
            node(id.parse()?, peers, Path::new(folder))
        }
        _ => Err("usage: multi_process".into()),
    }
}
