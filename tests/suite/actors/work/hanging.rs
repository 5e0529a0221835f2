//! Tests hanging work with a watchdog.

use std::{
    future::pending,
    slice,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{self as blocking, RecvTimeoutError},
    },
    time::Duration,
};

use elector_core::actor::{CommandError, Grace, now};

use super::*;

/// The limit of the watchdog. It is much longer than the delay of a thread on a busy machine.
const LIMIT: Duration = Duration::from_millis(800);

/// Blocks its thread until the test releases it, and stores the last deadline of the lease that it
/// saw.
fn hang(me: &Leadership<Quorum>, release: &blocking::Receiver<()>, deadline: &AtomicU64) {
    while release.recv_timeout(Duration::from_millis(1)) == Err(RecvTimeoutError::Timeout) {
        let known = me.deadline().map_or(0, Moment::nanos);
        deadline.store(known, Ordering::Release);
    }
}

// A node whose work hangs would lead forever without doing anything. Another node must lead, but
// not before the lease of the first node has ended: the hanging work may continue, and may write
// without another check of its leadership.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_that_blocks_its_thread_loses_its_leadership() {
    let cluster = cluster(3).await;
    let (release, released) = blocking::channel();
    let released = Arc::new(Mutex::new(Some(released)));
    let deadline = Arc::new(AtomicU64::new(0));
    let known = Arc::clone(&deadline);
    let (mut reports, _leading) = work(&all(&cluster), Grace::default(), move |me, _| {
        let (released, known) = (Arc::clone(&released), Arc::clone(&known));
        async move {
            let first = released.lock().map_err(|_| "poisoned")?.take();
            let works = async {
                match first {
                    Some(released) => hang(&me, &released, &known),
                    None => pending().await,
                }
            };
            me.watched(LIMIT, works).await;
            me.check()?;
            Ok(())
        }
    });
    let (first, _) = in_time(reports.recv()).await.unwrap();
    let (second, began) = in_time(reports.recv()).await.unwrap();
    let now = now().nanos();
    assert!(began == Began && second != first, "{began:?} {second}");
    assert!(
        now > deadline.load(Ordering::Acquire),
        "before the end of its lease"
    );
    assert!(!cluster.node(first).unwrap().status().holds_leadership());

    // After the release, the work of the first node ends, and the first node can lead again.
    release.send(()).unwrap();
    assert_eq!(in_time(reports.recv()).await, Some((first, Ended)));
    let transferred = cluster.node(second).unwrap().transfer_to(first);
    in_time(transferred).await.unwrap();
    assert_eq!(in_time(reports.recv()).await, Some((second, Ended)));
    assert_eq!(in_time(reports.recv()).await, Some((first, Began)));
    in_time(cluster.shutdown()).await;
}

// Work on other threads must itself call `check_in`. That the runtime polls the future of the work
// does not count as a check-in.
#[tokio::test]
async fn work_that_does_not_check_in_loses_its_leadership() {
    let elector = single_node().await;
    let grace = Grace::default();
    let (mut reports, _leading) = work(slice::from_ref(&elector), grace, |me, _| async move {
        let _watchdog = me.watchdog(Duration::from_millis(100));
        pending().await
    });
    for what in [Began, Ended, Began] {
        assert_eq!(in_time(reports.recv()).await, Some((NodeId(1), what)));
    }
}

// A call of `ping` must get its answer from the thread of the node, and must not wait for a node
// that has ended.
#[tokio::test]
async fn a_node_answers_until_it_has_stopped() {
    let elector = single_node().await;
    let all = [elector.ping(), elector.ping(), elector.ping()];
    for ping in all {
        in_time(ping).await.unwrap();
    }
    in_time(elector.shutdown()).await.unwrap();
    let ended = in_time(elector.ping()).await;
    assert!(matches!(ended, Err(CommandError::ShutDown)), "{ended:?}");
}
