//! Three processes elect a leader over TCP, with votes on disk; the leader is killed, as by
//! `kill -9`, and comes back. `cargo run --release --features net --example multi_process`
//!
//! The parent only starts and kills. Each child is what a real node is: `main` with a builder, and
//! work that runs while it leads. Here they share a machine; on three, only the addresses differ.

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

use elector::{
    Elector,
    actor::{BoxError, Peer},
    net::NetBuilder,
    raft::Raft,
};

/// A node, as a process of its own.
#[tokio::main(flavor = "current_thread")]
async fn node(id: u64, peers: Vec<Peer>, folder: &Path) -> Result<(), BoxError> {
    let node = Elector::builder("billing")
        .algorithm::<Raft>()
        .node_id(id)
        .peers(peers)
        .data_dir(folder);
    if !folder.exists() {
        node.format()?; // Once in the life of a node; in production by hand.
    }
    let elector = node.start().await?;
    let work = elector.lead(|me| async move {
        println!("{id} leads epoch {}", me.epoch());
        me.lost().await; // The leader's work; it is dropped when the leadership is lost.
        Ok(())
    });
    Ok(work.await?)
}

/// The three processes, as their parent sees them.
struct Cluster {
    peers: String,
    folder: PathBuf,
    said: (Sender<String>, Receiver<String>),
    running: Vec<(u64, Child)>,
}

impl Cluster {
    fn start(&mut self, id: u64) -> Result<(), BoxError> {
        let mut child = Command::new(env::current_exe()?)
            .args([&id.to_string(), &self.peers])
            .arg(self.folder.join(id.to_string()))
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("a pipe")?).lines();
        let say = self.said.0.clone();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| say.send(line))
        });
        self.running.push((id, child));
        Ok(())
    }

    /// Waits until a node says that it leads, and names it.
    fn leader(&self) -> Result<u64, BoxError> {
        let line = self.said.1.recv_timeout(Duration::from_secs(30))?;
        println!("  node {line}");
        let id = line.split(' ').next().ok_or("an empty line")?;
        Ok(id.parse()?)
    }

    /// `kill -9`.
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
            // It may have ended by itself.
            let _ = child.kill().and_then(|()| child.wait().map(drop));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn parent() -> Result<(), BoxError> {
    let free = (0..3).map(|_| TcpListener::bind("127.0.0.1:0"));
    let free = free.collect::<Result<Vec<_>, _>>()?;
    let peers = (1..).zip(&free).map(|(id, socket)| {
        let address = socket.local_addr()?;
        Ok::<_, BoxError>(format!("{id}={address}"))
    });
    let peers = peers.collect::<Result<Vec<_>, _>>()?.join(",");
    drop(free);
    let mut cluster = Cluster {
        peers,
        folder: env::temp_dir().join(format!("elector-example-{}", std::process::id())),
        said: channel(),
        running: Vec::new(),
    };
    println!("Three processes start: {}", cluster.peers);
    for id in 1..=3 {
        cluster.start(id)?;
    }
    let mut leader = cluster.leader()?;
    for _ in 0..3 {
        // Let all of them hear of it, as in a cluster that has run for a while.
        thread::sleep(Duration::from_millis(500));
        println!("\nNode {leader} is killed.");
        let killed = Instant::now();
        cluster.kill(leader)?;
        let next = cluster.leader()?;
        println!("  That took {:.1?}.", killed.elapsed());
        cluster.start(leader)?; // From its disk: it remembers whom it voted for.
        leader = next;
    }
    println!("\nLook at: each epoch is higher than the last, and no timeout was waited for.");
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
