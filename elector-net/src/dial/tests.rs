//! Where a peer is dialled, when name servers are slow, wrong, or dead.

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
    error::DialError,
    lookup::Lookup,
    names::{Found, Names},
    race::race,
};

/// Longer than anything here takes on the most loaded machine.
const LONG: Duration = Duration::from_secs(60);

type Answer = io::Result<Vec<SocketAddr>>;

/// A name server that answers when it is told what.
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

/// What is found as soon as the name server has answered.
async fn now(names: &mut Names) -> Vec<SocketAddr> {
    let finding = async {
        loop {
            let found = names.find().await.unwrap();
            if found.is_current {
                return found.addresses;
            }
        }
    };
    timeout(LONG, finding).await.unwrap()
}

fn named() -> (Server, Names) {
    let (answers, queue) = mpsc::channel::<Answer>();
    let (queue, answered) = (Mutex::new(queue), Arc::new(AtomicUsize::new(0)));
    let server = Server {
        answers,
        answered: Arc::clone(&answered),
    };
    let lookup = Lookup::new(move |name| {
        assert_eq!(name, "db2:7100");
        // Only one at a time is ever asked.
        let queue = queue.try_lock().unwrap();
        let answer = queue.recv().unwrap_or_else(|_| Ok(Vec::new()));
        answered.fetch_add(1, Ordering::AcqRel);
        answer
    });
    let names = Names::new(NodeId(1), NodeId(2), "db2:7100", lookup);
    (server, names)
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

/// After this time an answer is not fresh any more.
async fn a_while() {
    sleep(Duration::from_millis(1100)).await;
}

const OLD: &str = "10.0.0.1:7100";
const NEW: &str = "10.0.0.2:7100";

// A first name server that is dead delays each answer by seconds: an answer that comes after
// everybody has stopped waiting for it must not be lost, or there is never a leader.
#[tokio::test]
async fn a_late_answer_is_kept_and_no_second_lookup_is_made() {
    let (server, mut names) = named();
    for _ in 0..3 {
        let given_up = timeout(Duration::from_millis(20), names.find()).await;
        assert!(given_up.is_err(), "there is nothing to go on with");
    }
    server.answers(&[OLD]);
    let first = timeout(LONG, names.find()).await.unwrap();
    assert_eq!(first.unwrap(), found(&[OLD], true));
    server.has_answered(1).await;
}

// A name server that is down must not keep nodes apart that know where they are; but a refusal at
// an address that may be another's by now is no evidence.
#[tokio::test]
async fn what_was_known_is_used_while_lookups_hang_or_fail() {
    let (server, mut names) = named();
    server.answers(&[OLD, NEW]);
    assert_eq!(names.find().await.unwrap(), found(&[OLD, NEW], true));
    names.worked(NEW.parse().unwrap());
    a_while().await;
    assert_eq!(
        names.find().await.unwrap(),
        found(&[NEW, OLD], false),
        "the one that worked comes first"
    );
    server.fails();
    server.has_answered(2).await;
    assert_eq!(names.find().await.unwrap(), found(&[NEW, OLD], false));
    server.answers(&[OLD]);
    assert_eq!(now(&mut names).await, parsed(&[OLD]), "it moved");
}

// An answer that came while the peer was connected, hours ago, is no news when it breaks.
#[tokio::test]
async fn an_answer_that_has_waited_is_asked_for_again() {
    let (server, mut names) = named();
    server.answers(&[OLD]);
    assert_eq!(names.find().await.unwrap(), found(&[OLD], true));
    a_while().await;
    assert_eq!(names.find().await.unwrap(), found(&[OLD], false));
    server.answers(&[OLD]);
    server.has_answered(2).await;
    a_while().await;
    server.answers(&[NEW]);
    assert_eq!(now(&mut names).await, parsed(&[NEW]));
    server.has_answered(3).await;
}

// A wrong answer, or none, must say so rather than count as a refusal of the peer.
#[tokio::test]
async fn a_name_without_addresses_is_an_error_until_it_has_some() {
    let (server, mut names) = named();
    server.answers(&[]);
    assert!(names.find().await.is_err());
    server.fails();
    assert!(names.find().await.is_err());
    server.answers(&[OLD]);
    assert_eq!(names.find().await.unwrap(), found(&[OLD], true));
}

// If something else listens at one of a name's addresses, it must not hide the peer at another.
#[tokio::test]
async fn an_address_at_which_something_else_answers_comes_last() {
    let third = "10.0.0.3:7100";
    let (server, mut names) = named();
    server.answers(&[OLD, NEW, third]);
    let order = [
        [OLD, NEW, third],
        [NEW, third, OLD],
        [third, OLD, NEW],
        [OLD, NEW, third],
    ];
    for order in order {
        let known = names.find().await.unwrap().addresses;
        assert_eq!(known, parsed(&order));
        names.failed(known[0]);
    }
    names.worked(parsed(&[third])[0]);
    let known = names.find().await.unwrap().addresses;
    assert_eq!(known, parsed(&[third, OLD, NEW]));
}

// Where IPv6 leads nowhere, IPv4 must not have to wait for the whole of it; and a host that answers
// for a name must not make a node dial without end.
#[tokio::test]
async fn families_take_turns_and_addresses_are_few() {
    let (server, mut names) = named();
    server.answers(&["[fd00::1]:1", "[fd00::2]:1", "[fd00::1]:1", "10.0.0.1:1"]);
    let known = names.find().await.unwrap().addresses;
    assert_eq!(known, parsed(&["[fd00::1]:1", "10.0.0.1:1", "[fd00::2]:1"]));
    a_while().await; // An answer is used for that long.
    let many: Vec<String> = (0..200).map(|n| format!("10.0.0.{n}:1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    server.answers(&many);
    assert_eq!(now(&mut names).await.len(), 16);
}

// An address is what it is.
#[tokio::test]
async fn an_address_is_not_looked_up() {
    let lookup = Lookup::new(|name| panic!("{name} is looked up"));
    assert_eq!(lookup.first(OLD).await.unwrap(), parsed(&[OLD])[0]);
    let mut names = Names::new(NodeId(1), NodeId(2), OLD, lookup);
    assert_eq!(names.find().await.unwrap(), found(&[OLD], true));
}

// One address that refuses is no evidence while another is not known to refuse.
#[tokio::test]
async fn a_peer_is_gone_only_if_all_its_addresses_refuse() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap();
    let closed: Vec<SocketAddr> = (0..2)
        .map(|_| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        })
        .collect();
    // No connection leads there, and none is refused.
    let invalid: SocketAddr = "255.255.255.255:1".parse().unwrap();
    assert!(matches!(race(&closed).await, Err(DialError::NobodyThere)));
    assert!(matches!(
        race(&closed[..1]).await,
        Err(DialError::NobodyThere)
    ));
    let (address, _) = race(&[closed[0], open, closed[1]]).await.unwrap();
    assert_eq!(address, open);
    let other = race(&[closed[0], invalid, closed[1]]).await.unwrap_err();
    assert!(!matches!(other, DialError::NobodyThere), "{other}");
}
