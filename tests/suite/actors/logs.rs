//! Tests what a node logs about elections.

use std::{
    io::{self, Write},
    time::Duration,
};

use elector_raft::Raft;
use tokio::{sync::watch, time};
use tracing_subscriber::fmt::MakeWriter;

use super::single_node_builder;
use crate::support::in_time;

/// The lines of a log.
#[derive(Clone, Default)]
struct Lines(watch::Sender<String>);

impl Lines {
    fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// Waits until the log contains this text.
    async fn wait_for(&self, text: &str) {
        let mut log = self.0.subscribe();
        let logged = log.wait_for(|log| log.contains(text));
        in_time(logged).await.unwrap();
    }
}

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        self.0.send_modify(|log| log.push_str(&text));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

// The log of an application with a usual subscriber must show who leads, without code of the
// application. The end of a node must not be logged as an election.
#[tokio::test]
async fn elections_are_logged() {
    let lines = Lines::default();
    let log = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_ansi(false);
    // Tasks of this runtime write the lines, so they write on this thread, which has the
    // subscriber.
    let _log = tracing::subscriber::set_default(log.finish());
    let elector = single_node_builder::<Raft>().start().await.unwrap();
    lines.wait_for("this node leads").await;
    let epoch = elector.status().epoch;
    in_time(elector.step_down()).await.unwrap();
    let mut status = elector.subscribe();
    let again = status.wait_for(|status| status.leader.is_some() && status.epoch > epoch);
    let again = in_time(again).await.unwrap().epoch;
    lines.wait_for(&format!("epoch={again}")).await;
    in_time(elector.shutdown()).await.unwrap();
    // The task that logs waits before it logs that there is no leader. In paused time, this wait
    // has ended when the sleep returns, on a busy machine too.
    time::pause();
    time::sleep(Duration::from_millis(50)).await;

    let text = lines.text();
    let leads = text.lines().filter(|line| line.contains("this node leads"));
    let leads: Vec<_> = leads.collect();
    assert_eq!(leads.len(), 2, "one line for each tenure:\n{text}");
    for part in [
        "INFO elector: ",
        "node=1 role=leader leader=\"1\" epoch=",
        "cluster=\"single\"",
    ] {
        assert!(leads[0].contains(part), "no {part}: {}", leads[0]);
    }
    let last = text.lines().last().unwrap();
    assert!(
        last.contains("this node leads"),
        "nothing after the end of the node:\n{text}"
    );
}
