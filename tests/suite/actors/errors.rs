//! Tests what a program prints when its `main` returns an error of elector, and which errors the
//! work of a leader may return.

use std::{
    convert::Infallible,
    env,
    error::Error,
    fmt::Debug,
    future::pending,
    io,
    process::{self, Termination},
    time::Duration,
};

use elector::{
    AnyElector, BoxError, Elector, FailurePolicy, LeadershipLost, Quorum, actor::LeadError,
    net::NetBuilder,
};
use elector_raft::Raft;
use thiserror::Error;
use tokio::time::timeout;

use super::{run_in_process, single_node, single_node_builder};
use crate::support::in_time;

/// An error whose text does not contain its cause, as is usual.
#[derive(Debug, Error)]
#[error("the invoice is not booked")]
struct NotBooked(#[source] io::Error);

fn not_booked() -> NotBooked {
    NotBooked(io::Error::other("the disk is full"))
}

/// The environment variable of the process whose `main` fails. Its value is the name of the case.
const CASE: &str = "ELECTOR_TEST_MAIN";

/// Ends this process like a program whose `main` returned this result.
fn end_like_main(result: Result<(), impl Debug>) -> ! {
    // Prints the error, as Rust does when `main` returns an error.
    let _ = result.report();
    process::exit(1);
}

/// Starts this test again in a process of its own, and returns what that process prints.
async fn printed(test: &str, case: &str) -> String {
    let output = run_in_process(&format!("actors::errors::{test}"), (CASE, case)).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

// Rust prints the error of a `main` with `Debug`. The user must read in this text what is wrong and
// what to do, and not the names of variants.
#[tokio::test]
async fn main_prints_the_text_of_its_error() {
    let single = || Elector::builder("billing").algorithm::<Raft>().node_id(1);
    match env::var(CASE).as_deref() {
        Ok("record") => {
            let node = single().peers([(1, "127.0.0.1:7101")]).data_dir("/nowhere");
            end_like_main(node.start().await.map(drop));
        }
        Ok("peers") => end_like_main(single().start().await.map(drop)),
        Ok("work") => {
            let elector = single_node().await;
            let once = FailurePolicy::withdraw_at_once();
            end_like_main(
                elector
                    .lead_with(once, async |_| Err::<(), _>(not_booked()))
                    .await,
            );
        }
        _ => {}
    }
    let test = "main_prints_the_text_of_its_error";
    let record = printed(test, "record").await;
    let expected = "Error: cannot read the saved state, and without it this node could vote \
                    twice: there is no record in /nowhere. ";
    assert!(record.contains(expected), "{record}");
    for advice in [".format()", "`elector node --init`"] {
        assert_eq!(record.matches(advice).count(), 1, "{record}");
    }
    let peers = printed(test, "peers").await;
    assert!(
        peers.contains("Error: no peers: call `.peers([..])`"),
        "{peers}"
    );
    let work = printed(test, "work").await;
    let expected = "Error: the work of the leader failed: the invoice is not booked: the disk is \
                    full\n";
    assert!(work.contains(expected), "{work}");
}

// The status must contain the text of the cause of failed work, and not only the text of the error
// that the work returned.
#[tokio::test]
async fn the_status_names_the_cause_of_failed_work() {
    let elector = single_node().await;
    let once = FailurePolicy::withdraw_at_once();
    let led = elector.lead_with(once, async |_| Err::<(), _>(not_booked()));
    assert!(in_time(led).await.is_err());
    let failure = elector.status().work.failure.unwrap();
    assert!(
        failure.ends_with("not booked: the disk is full"),
        "{failure}"
    );
    let lost = format!("{LeadershipLost:?}");
    assert_eq!(lost, LeadershipLost.to_string());
}

/// An error that does not implement `std::error::Error`, and can only be converted to a
/// [`BoxError`], like `anyhow::Error`.
struct Opaque;

impl From<Opaque> for BoxError {
    fn from(_: Opaque) -> Self {
        "opaque".into()
    }
}

/// Returns the error with which the work fails.
async fn failure_of(led: impl Future<Output = Result<(), LeadError>>) -> BoxError {
    match in_time(led).await {
        Err(LeadError::Work(error)) => error,
        other => panic!("the work must fail: {other:?}"),
    }
}

// The functions of an application have error types of their own. The caller of `lead` must get the
// error that the work returned.
#[tokio::test]
async fn work_may_return_any_error() {
    type Me = elector::Leadership<Quorum>;
    async fn with_io(_: Me) -> io::Result<()> {
        Err(not_booked().0)
    }
    async fn with_box(_: Me) -> Result<(), Box<dyn Error + Send + Sync>> {
        Err("boxed".into())
    }
    async fn with_opaque(_: Me) -> Result<(), Opaque> {
        Err(Opaque)
    }
    let elector = single_node().await;
    let once = FailurePolicy::withdraw_at_once();
    let error = failure_of(elector.lead_with(once, with_io)).await;
    assert!(error.downcast_ref::<io::Error>().is_some(), "{error}");
    let error = failure_of(elector.lead_with(once, with_box)).await;
    assert_eq!(error.to_string(), "boxed");
    let error = failure_of(elector.lead_with(once, with_opaque)).await;
    assert_eq!(error.to_string(), "opaque");
    // A task has the output `Result<Result<..>, JoinError>`: the error of the task itself, or the
    // result of its function.
    let task = async |_| tokio::spawn(async { Err::<(), _>(not_booked()) }).await;
    let error = failure_of(elector.lead_with(once, task)).await;
    assert!(error.downcast_ref::<NotBooked>().is_some(), "{error}");

    let any = AnyElector::from(elector);
    let work = async |_| Err::<(), _>(not_booked());
    let error = failure_of(any.lead_with(once, work)).await;
    assert!(error.downcast_ref::<NotBooked>().is_some(), "{error}");
}

// Work that cannot fail needs no `Ok(())` at its end. When it returns, its leadership ends, so the
// node is elected again in a later epoch.
#[tokio::test]
async fn work_may_return_nothing_or_never_return() {
    let elector = single_node_builder::<Raft>().start().await.unwrap();
    let mut status = elector.subscribe();
    let later = async {
        let later = status.wait_for(|status| status.epoch.0 > 2);
        in_time(later).await.unwrap();
    };
    tokio::select! {
        led = elector.lead(async |_| {}) => panic!("it goes on: {led:?}"),
        () = later => {}
    }
    let epoch = elector.status().epoch;
    let led = elector.lead(|_| pending::<Infallible>());
    let led = timeout(Duration::from_millis(100), led).await;
    assert!(led.is_err(), "it never returns");
    assert!(elector.status().epoch.0 - epoch.0 <= 1);
    assert_eq!(elector.status().work.failures, 0);
}
