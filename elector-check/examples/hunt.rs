use elector_check::Walks;
use elector_paxos::{Paxos, PaxosConfig};
use elector_raft::{Raft, RaftConfig};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let walks: u64 = a[2].parse().unwrap();
    let seed: u64 = a.get(3).map_or(1, |s| s.parse().unwrap());
    let t = std::time::Instant::now();
    let report = match a[1].split_once('/').unwrap() {
        ("raft", v) => {
            let config = RaftConfig::variants()
                .into_iter()
                .find(|x| x.name == v)
                .unwrap()
                .config;
            Walks::<Raft> {
                walks,
                seed,
                ..Walks::new(config)
            }
            .run()
            .unwrap()
        }
        (_, v) => {
            let config = PaxosConfig::variants()
                .into_iter()
                .find(|x| x.name == v)
                .unwrap()
                .config;
            Walks::<Paxos> {
                walks,
                seed,
                ..Walks::new(config)
            }
            .run()
            .unwrap()
        }
    };
    println!("{report}\n{:?}", t.elapsed());
}
