//! Tests of where a peer is dialled if name servers are slow, wrong, or down.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use elector_core::NodeId;
use tokio::time::{sleep, timeout};

use super::{
    addresses::{Addresses, Found},
    error::DialError,
    lookup::Lookup,
    race::race,
};

/// A time limit. It is longer than any step of a test takes on the most loaded machine.
const LONG: Duration = Duration::from_secs(60);

type Answer = io::Result<Vec<SocketAddr>>;

/// A name server whose answers the test supplies. A lookup waits until there is an answer.
struct Server {
    answers: mpsc::Sender<Answer>,
    answered: Arc<AtomicUsize>,
}

impl Server {
    fn answers(&self, addresses: &[&str]) {
        self.answers.send(Ok(parsed(addresses))).unwrap();
    }

    fn fails(&self) {
        self.answers
            .send(Err(io::Error::other("no server answers")))
            .unwrap();
    }

    async fn has_answered(&self, times: usize) {
        let answered = async {
            while self.answered.load(Ordering::Acquire) != times {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(LONG, answered).await.unwrap();
    }
}

/// Waits until the addresses come from a recent answer of the name server, and returns them.
async fn current(addresses: &mut Addresses) -> Vec<SocketAddr> {
    let finding = async {
        loop {
            let found = addresses.find().await.unwrap();
            if found.is_current {
                return found.addresses;
            }
        }
    };
    timeout(LONG, finding).await.unwrap()
}

fn named() -> (Server, Addresses) {
    let (answers, queue) = mpsc::channel::<Answer>();
    let (queue, answered) = (Mutex::new(queue), Arc::new(AtomicUsize::new(0)));
    let server = Server {
        answers,
        answered: Arc::clone(&answered),
    };
    let lookup = Lookup::new(move |name| {
        assert_eq!(name, "db2:7100");
        // There is only one lookup at a time.
        let queue = queue.try_lock().unwrap();
        let answer = queue.recv().unwrap_or_else(|_| Ok(Vec::new()));
        answered.fetch_add(1, Ordering::AcqRel);
        answer
    });
    let addresses = Addresses::new(NodeId(1), NodeId(2), "db2:7100", lookup);
    (server, addresses)
}

fn parsed(addresses: &[&str]) -> Vec<SocketAddr> {
    addresses.iter().map(|a| a.parse().unwrap()).collect()
}

fn found(addresses: &[&str], is_current: bool) -> Found {
    Found {
        addresses: parsed(addresses),
        is_current,
    }
}

/// Waits until the last answer is too old to be used.
async fn answer_expires() {
    sleep(Duration::from_millis(1100)).await;
}

const OLD: &str = "10.0.0.1:7100";
const NEW: &str = "10.0.0.2:7100";

// If the first name server is down, each lookup takes seconds. An answer that arrives after the
// dialler has stopped waiting must not be lost. If it were lost, every attempt would begin another
// lookup, and the nodes would never connect.
#[tokio::test]
async fn a_late_answer_is_kept_and_no_second_lookup_is_made() {
    let (server, mut addresses) = named();
    for _ in 0..3 {
        let waited = timeout(Duration::from_millis(20), addresses.find()).await;
        assert!(waited.is_err(), "there are no addresses yet");
    }
    server.answers(&[OLD]);
    let first = timeout(LONG, addresses.find()).await.unwrap();
    assert_eq!(first.unwrap(), found(&[OLD], true));
    server.has_answered(1).await;
}

// If a name server is down, nodes must still connect at the addresses that they know. A refusal at
// such an address is not evidence that the peer has failed: the address may belong to another host
// now.
#[tokio::test]
async fn known_addresses_are_used_while_lookups_hang_or_fail() {
    let (server, mut addresses) = named();
    server.answers(&[OLD, NEW]);
    assert_eq!(addresses.find().await.unwrap(), found(&[OLD, NEW], true));
    addresses.worked(NEW.parse().unwrap());
    answer_expires().await;
    assert_eq!(
        addresses.find().await.unwrap(),
        found(&[NEW, OLD], false),
        "the address that worked comes first"
    );
    server.fails();
    server.has_answered(2).await;
    assert_eq!(addresses.find().await.unwrap(), found(&[NEW, OLD], false));
    server.answers(&[OLD]);
    assert_eq!(
        current(&mut addresses).await,
        parsed(&[OLD]),
        "the peer has moved"
    );
}

// The answer of a name server may have arrived while the peer was connected, hours before the
// connection breaks. Then the answer is too old, and there must be a new lookup.
#[tokio::test]
async fn an_old_answer_is_asked_for_again() {
    let (server, mut addresses) = named();
    server.answers(&[OLD]);
    assert_eq!(addresses.find().await.unwrap(), found(&[OLD], true));
    answer_expires().await;
    assert_eq!(addresses.find().await.unwrap(), found(&[OLD], false));
    server.answers(&[OLD]);
    server.has_answered(2).await;
    answer_expires().await;
    server.answers(&[NEW]);
    assert_eq!(current(&mut addresses).await, parsed(&[NEW]));
    server.has_answered(3).await;
}

// An answer without addresses, or no answer, must be an error. It must not count as a refusal of
// the peer.
#[tokio::test]
async fn a_name_without_addresses_is_an_error_until_it_has_some() {
    let (server, mut addresses) = named();
    server.answers(&[]);
    assert!(addresses.find().await.is_err());
    server.fails();
    assert!(addresses.find().await.is_err());
    server.answers(&[OLD]);
    assert_eq!(addresses.find().await.unwrap(), found(&[OLD], true));
}

// If another process listens at one address of a name, the node must find the peer at another
// address.
#[tokio::test]
async fn an_address_at_which_something_else_answers_comes_last() {
    let third = "10.0.0.3:7100";
    let (server, mut addresses) = named();
    server.answers(&[OLD, NEW, third]);
    let order = [
        [OLD, NEW, third],
        [NEW, third, OLD],
        [third, OLD, NEW],
        [OLD, NEW, third],
    ];
    for order in order {
        let known = addresses.find().await.unwrap().addresses;
        assert_eq!(known, parsed(&order));
        addresses.failed(known[0]);
    }
    addresses.worked(parsed(&[third])[0]);
    let known = addresses.find().await.unwrap().addresses;
    assert_eq!(known, parsed(&[third, OLD, NEW]));
}

// If IPv6 leads nowhere, the node must not try all IPv6 addresses before the first IPv4 address. A
// name server must not be able to make a node dial without end.
#[tokio::test]
async fn address_families_alternate_and_addresses_are_limited() {
    let (server, mut addresses) = named();
    server.answers(&["[fd00::1]:1", "[fd00::2]:1", "[fd00::1]:1", "10.0.0.1:1"]);
    let known = addresses.find().await.unwrap().addresses;
    assert_eq!(known, parsed(&["[fd00::1]:1", "10.0.0.1:1", "[fd00::2]:1"]));
    answer_expires().await;
    let many: Vec<String> = (0..200).map(|n| format!("10.0.0.{n}:1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    server.answers(&many);
    assert_eq!(current(&mut addresses).await.len(), 16);
}

// If the configured address of a peer is an IP address, there must be no lookup.
#[tokio::test]
async fn an_address_is_not_looked_up() {
    let lookup = Lookup::new(|name| panic!("{name} is looked up"));
    assert_eq!(lookup.first(OLD).await.unwrap(), parsed(&[OLD])[0]);
    let mut addresses = Addresses::new(NodeId(1), NodeId(2), OLD, lookup);
    assert_eq!(addresses.find().await.unwrap(), found(&[OLD], true));
}

// If one address of a peer refuses connections, this is not evidence that the peer has failed, as
// long as another address of the peer may still answer.
#[tokio::test]
async fn a_peer_has_refused_only_if_all_its_addresses_refuse() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap();
    let closed: Vec<SocketAddr> = (0..2)
        .map(|_| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        })
        .collect();
    // Connections to this address fail, but are not refused.
    let invalid: SocketAddr = "255.255.255.255:1".parse().unwrap();
    assert!(matches!(race(&closed).await, Err(DialError::Refused)));
    assert!(matches!(race(&closed[..1]).await, Err(DialError::Refused)));
    let (address, _) = race(&[closed[0], open, closed[1]]).await.unwrap();
    assert_eq!(address, open);
    let other = race(&[closed[0], invalid, closed[1]]).await.unwrap_err();
    assert!(!matches!(other, DialError::Refused), "{other}");
}
