//! Plain code that does only "EOF, one round of votes, durable votes", as a programmer would write
//! it with tokio in an afternoon: one task per connection, and the disk on tokio's blocking
//! threads. It has no terms, no pre-vote, no leases, no encryption, and no reconnects, and it ends
//! after one failover.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::fs::FileExt,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use elector_core::actor;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    sync::{Mutex, mpsc},
};

use crate::figures::Failover;

/// The environment variable that makes this bench program a node of the plain cluster. Its value is
/// `ID PORT,PORT,… FILE`.
pub(crate) const NODE_VARIABLE: &str = "ELECTOR_BENCH_PLAIN";

const VOTE: u8 = 1;
const GRANTED: u8 = 2;
const LEADS: u8 = 3;

/// Starts a cluster of plain nodes, kills its leader, and measures the failover.
pub(crate) fn failover(nodes: u64) -> Failover {
    let folder = tempfile::tempdir().unwrap();
    let reserved: Vec<_> = (0..nodes)
        .map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let ports = reserved
        .iter()
        .map(|l| l.local_addr().unwrap().port().to_string());
    let ports = ports.collect::<Vec<_>>().join(",");
    drop(reserved);
    let mut started: Vec<(Child, BufReader<ChildStdout>)> = (1..=nodes)
        .map(|id| {
            let file = folder.path().join(id.to_string());
            let mut child = Command::new(env::current_exe().unwrap())
                .env(NODE_VARIABLE, format!("{id} {ports} {}", file.display()))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let output = BufReader::new(child.stdout.take().unwrap());
            (child, output)
        })
        .collect();
    let line = |output: &mut BufReader<ChildStdout>| {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    };
    for (_, output) in &mut started {
        assert_eq!(line(output), "connected");
    }
    std::thread::sleep(Duration::from_millis(20));
    let killed = actor::now().nanos();
    started[0].0.kill().unwrap();
    let mut timestamps: Vec<u64> = started[1..]
        .iter_mut()
        .map(|(_, output)| line(output).parse::<u64>().expect("a timestamp"))
        .collect();
    for (child, _) in &mut started {
        let _ = child.kill();
        child.wait().unwrap();
    }
    // Only node 2 asks for votes, so node 2 is the winner.
    let winner = timestamps[0];
    timestamps.sort_unstable();
    let majority = usize::try_from(nodes / 2 + 1).unwrap();
    let since = |at: u64| Duration::from_nanos(at.saturating_sub(killed));
    Failover {
        winner: since(winner),
        majority: since(timestamps[majority - 1]),
        work: None,
    }
}

/// The file with the vote of a node. A vote counts only after it is written to this file.
struct Disk(Arc<std::fs::File>);

impl Disk {
    fn new(path: &str) -> Self {
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(false);
        let file = file.open(path).unwrap();
        file.write_all_at(&[0; 512], 0).unwrap();
        file.sync_all().unwrap();
        Self(Arc::new(file))
    }

    async fn save(&self, vote: u64) {
        let file = Arc::clone(&self.0);
        let saved = tokio::task::spawn_blocking(move || {
            let mut bytes = [0; 512];
            bytes[..8].copy_from_slice(&vote.to_be_bytes());
            file.write_all_at(&bytes, 0)?;
            file.sync_data()
        });
        saved.await.unwrap().unwrap();
    }
}

/// An event of a connection: the id of the peer, and the byte that the peer has sent, or `None` at
/// the end of the connection.
type ConnectionEvent = (u64, Option<u8>);

/// Runs one node of the plain cluster. Node 1 leads from the start.
pub(crate) fn run_node(arguments: &str) {
    let mut words = arguments.splitn(3, ' ');
    let me: u64 = words.next().unwrap().parse().unwrap();
    let ports = words.next().unwrap().split(',');
    let ports: Vec<u16> = ports.map(|port| port.parse().unwrap()).collect();
    let disk = Disk::new(words.next().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(node(me, ports, disk));
}

async fn node(me: u64, ports: Vec<u16>, disk: Disk) {
    let (events, mut received) = mpsc::unbounded_channel::<ConnectionEvent>();
    let mut peers: Vec<(u64, Arc<Mutex<OwnedWriteHalf>>)> = Vec::new();
    let own = ports[usize::try_from(me).unwrap() - 1];
    let listener = TcpListener::bind(("127.0.0.1", own)).await.unwrap();
    // Each node connects to the nodes with lower ids and sends its own id.
    for (id, &port) in (1..me).zip(&ports) {
        let mut connection = loop {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(connection) => break connection,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        connection
            .write_all(&[u8::try_from(me).unwrap()])
            .await
            .unwrap();
        peers.push(listen(id, connection, &events));
    }
    while peers.len() + 1 < ports.len() {
        let (mut connection, _) = listener.accept().await.unwrap();
        let id = connection.read_u8().await.unwrap();
        peers.push(listen(u64::from(id), connection, &events));
    }
    println!("connected");
    let majority = ports.len() / 2 + 1;
    let mut votes = 1;
    while let Some((from, byte)) = received.recv().await {
        match byte {
            // The connection to the leader, node 1, has ended. Only node 2 asks for votes then, so
            // that no election can fail.
            None if from == 1 && me == 2 => {
                disk.save(me).await;
                send(&peers, VOTE).await;
            }
            Some(VOTE) => {
                disk.save(from).await;
                let candidate: Vec<_> = peers
                    .iter()
                    .filter(|(id, _)| *id == from)
                    .cloned()
                    .collect();
                send(&candidate, GRANTED).await;
            }
            Some(GRANTED) => {
                votes += 1;
                if votes == majority {
                    println!("{}", actor::now().nanos());
                    send(&peers, LEADS).await;
                }
            }
            Some(LEADS) => println!("{}", actor::now().nanos()),
            None | Some(_) => {}
        }
    }
}

fn listen(
    id: u64,
    connection: TcpStream,
    events: &mpsc::UnboundedSender<ConnectionEvent>,
) -> (u64, Arc<Mutex<OwnedWriteHalf>>) {
    connection.set_nodelay(true).unwrap();
    let (mut reading, writing) = connection.into_split();
    let events = events.clone();
    tokio::spawn(async move {
        while let Ok(byte) = reading.read_u8().await {
            let _ = events.send((id, Some(byte)));
        }
        let _ = events.send((id, None));
    });
    (id, Arc::new(Mutex::new(writing)))
}

async fn send(peers: &[(u64, Arc<Mutex<OwnedWriteHalf>>)], byte: u8) {
    for (_, peer) in peers {
        // The write to the killed leader fails, which does no harm.
        let _ = peer.lock().await.write_u8(byte).await;
    }
}
