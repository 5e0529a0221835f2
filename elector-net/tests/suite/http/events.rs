use std::time::Duration;

use elector_core::{
    Quorum, Role,
    actor::{Elector, Leadership},
};
use elector_net::http::{EventReport, Limits, Options};

use super::{Reader, Served, elected, soon};

fn number(report: &EventReport) -> Option<u64> {
    match report {
        EventReport::Viewed { number, .. }
        | EventReport::Granted { number, .. }
        | EventReport::Lost { number, .. } => Some(*number),
        _ => None,
    }
}

/// The only node of its cluster.
struct Only {
    elector: Elector<Quorum>,
    leadership: Option<Leadership<Quorum>>,
}

impl Only {
    async fn new(elector: &Elector<Quorum>) -> Self {
        Self {
            elector: elector.clone(),
            leadership: Some(soon(elector.campaign()).await.unwrap()),
        }
    }

    /// Gives up the leadership and gets it again, without waiting for timeouts. This causes four
    /// events of the node.
    async fn turn(&mut self) {
        let mut status = self.elector.subscribe();
        self.leadership = None;
        let stepped_down = status.wait_for(|status| status.role != Role::Leader);
        soon(stepped_down).await.unwrap();
        self.leadership = Some(soon(self.elector.campaign()).await.unwrap());
    }
}

fn number_of(id: &str) -> u64 {
    id.rsplit_once('-').unwrap().1.parse().unwrap()
}

/// Waits until there is an event, and returns the id of the newest event.
async fn newest(served: &Served) -> String {
    let newest = async {
        loop {
            let mut reader = Reader::open(served, "", None).await;
            if let (Some(id), _) = reader.next().await.unwrap() {
                return id;
            }
        }
    };
    soon(newest).await
}

fn is_granted(report: &EventReport) -> bool {
    matches!(report, EventReport::Granted { .. })
}

// A new reader must get the present status without another request. After that, it must miss no
// event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_comes_first_and_then_the_news() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::with(elector, Limits::default()).await;
    served.until("/leader", 200).await;
    let mut only = Only::new(elector).await;
    let mut reader = Reader::open(&served, "", None).await;
    let EventReport::Status(status) = reader.report().await else {
        panic!("the status comes first");
    };
    assert!(status.holds_leadership && status.leader == Some(leader));
    let epoch = status.epoch;
    only.turn().await;
    let (mut last, mut lost) = (None, false);
    loop {
        let (id, report) = reader.next().await.unwrap();
        let number = number(&report).expect("news only");
        assert!(
            last.is_none_or(|last| last + 1 == number),
            "a gap before {report:?}"
        );
        last = Some(number);
        assert_eq!(id.unwrap(), format!("{}-{number}", status.instance));
        match report {
            EventReport::Lost { epoch: of, .. } => lost = of == epoch || lost,
            EventReport::Granted {
                epoch: of, node, ..
            } if of > epoch => {
                assert_eq!(node, leader);
                break;
            }
            _ => {}
        }
    }
    assert!(lost, "the old leadership ends before the new one begins");
    cluster.shutdown().await;
}

// A reader that reconnects after a broken connection must miss no event, and must get no event
// twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_reconnects_continues_where_it_was() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::with(elector, Limits::default()).await;
    served.until("/leader", 200).await;
    let mut only = Only::new(elector).await;
    let mut reader = Reader::open(&served, "", None).await;
    only.turn().await;
    let id = reader.until(is_granted).await;
    drop(reader);
    only.turn().await;
    let read = number_of(&id);
    let by_number = format!("?after={read}");
    let by_id = format!("?after={id}");
    for (query, header) in [
        ("", Some(id.as_str())),
        // If the URL has a query, a browser that reconnects sends both the query and the header
        // `Last-Event-ID`. The header must have priority.
        ("?after=0", Some(id.as_str())),
        (&by_id, None),
        (&by_number, None),
    ] {
        let mut again = Reader::open(&served, query, header).await;
        let next = again.report().await;
        assert_eq!(
            number(&next),
            Some(read + 1),
            "{query} {header:?}: {next:?}"
        );
        again.until(is_granted).await;
    }
    cluster.shutdown().await;
}

// The log has a limited length, so new events overwrite old ones. A reader that does not notice
// that it has missed events may rely on a leader that does not lead any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overwritten_events_are_reported_with_their_number() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let limits = Limits {
        events: 2,
        ..Limits::default()
    };
    let served = Served::with(elector, limits).await;
    served.until("/leader", 200).await;
    let mut only = Only::new(elector).await;
    only.turn().await;
    let id = newest(&served).await;
    let read = number_of(&id);
    while number_of(&newest(&served).await) < read + 5 {
        only.turn().await;
    }
    let mut late = Reader::open(&served, "", Some(&id)).await;
    let EventReport::Lagged { mut missed } = late.report().await else {
        panic!("the gap comes first");
    };
    assert!(missed >= 3, "{missed}");
    // The events of the last `turn` may still arrive in the log, and overwrite more events, while
    // the reader reads.
    let next = loop {
        match late.report().await {
            EventReport::Lagged { missed: more } => missed += more,
            report => break number(&report),
        }
    };
    assert_eq!(next, Some(read + missed + 1));
    cluster.shutdown().await;
}

// After a restart of a node, the numbers of its events start again at 1. A reader that continued
// after the number of its last event would skip events. So the reader must be notified of the
// restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_an_earlier_run_is_notified_of_the_restart() {
    let (mut cluster, leader) = elected(1).await;
    let served = Served::with(cluster.node(leader).unwrap(), Limits::default()).await;
    served.until("/leader", 200).await;
    let mut reader = Reader::open(&served, "", None).await;
    Only::new(cluster.node(leader).unwrap()).await.turn().await;
    let id = reader.until(is_granted).await;
    served.end().await;
    while reader.next().await.is_some() {}

    cluster.kill(leader).await;
    cluster.restart(leader).await.unwrap();
    let elector = cluster.node(leader).unwrap();
    let served = Served::with(elector, Limits::default()).await;
    served.until("/leader", 200).await;
    let mut only = Only::new(elector).await;
    let instance = served.get("/v1/status").await.json()["instance"].clone();
    for (query, header) in [
        ("", Some(id.as_str())),
        ("", Some("nonsense")),
        ("?after=18446744073709551615", None),
    ] {
        let mut again = Reader::open(&served, query, header).await;
        let EventReport::Restarted { instance: reported } = again.report().await else {
            panic!("the restart comes first");
        };
        assert_eq!(reported, instance.as_str().unwrap());
        only.turn().await;
        let id = again.until(is_granted).await;
        assert!(id.starts_with(&reported), "{id}");
    }
    cluster.shutdown().await;
}

// When the node stops, the last event must contain the reason. Then the stream must end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_node_ends_the_stream() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::with(elector, Limits::default()).await;
    let mut reader = Reader::open(&served, "", None).await;
    elector.shutdown().await.unwrap();
    let stopped = EventReport::Stopped {
        reason: "the node was shut down".to_owned(),
    };
    while reader.report().await != stopped {}
    assert_eq!(reader.next().await, None);
    // A reader that connects after the node has stopped must also get the reason.
    let mut reader = Reader::open(&served, "", None).await;
    assert!(matches!(reader.report().await, EventReport::Status(_)));
    assert_eq!(reader.report().await, stopped);
    assert_eq!(reader.next().await, None);
}

// Without comments in the stream, a reader could not distinguish a cluster without events from a
// dead connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comments_are_sent_while_there_are_no_events() {
    let (cluster, leader) = elected(1).await;
    let limits = Limits {
        keep_alive: Duration::from_millis(20),
        ..Limits::default()
    };
    let served = Served::with(cluster.node(leader).unwrap(), limits).await;
    let mut reader = Reader::open(&served, "", None).await;
    while reader.line().await.unwrap() != ":" {}
    cluster.shutdown().await;
}

// An application that serves the routes in its own HTTP server must be able to end the streams of
// events with `Service::close`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_the_service_ends_its_streams() {
    let (cluster, leader) = elected(1).await;
    let elector = cluster.node(leader).unwrap();
    let served = Served::new(elector, Options::new("billing")).await;
    let mut reader = Reader::open(&served, "", None).await;
    assert!(matches!(reader.report().await, EventReport::Status(_)));
    served.service.close();
    while reader.next().await.is_some() {}
    assert_eq!(
        served.get("/livez").await.status,
        200,
        "other routes still work"
    );
    cluster.shutdown().await;
}
