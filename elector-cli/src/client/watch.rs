use std::{
    io::{self, BufReader, Write as _},
    process::ExitCode,
    thread,
    time::Duration,
};

use elector_core::{Epoch, NodeId, Role};
use elector_net::http::EventReport;

use super::{api::Api, args::Watch, error::ClientError, sse::Stream};
use crate::output::{self, StdoutError};

/// How long to wait before a connection is made again: at first, and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// `elector watch`: until it is interrupted, or nobody reads it any more.
pub(super) fn watch(options: &Watch) -> Result<ExitCode, ClientError> {
    let mut watching = Watching {
        api: Api::new(&options.asked.http),
        json: options.json,
        last: None,
        stopped: false,
        lost: false,
        wait: BACK_OFF.0,
    };
    // Who is not there at the beginning was asked for by mistake.
    let mut read = watching.read()?;
    while read == Read::Broken {
        if !watching.lost && !watching.stopped {
            output::warn("the connection is lost; trying again\n");
            watching.lost = true;
        }
        thread::sleep(watching.wait);
        watching.wait = (watching.wait * 2).min(BACK_OFF.1);
        read = match watching.read() {
            Err(ClientError::Stdout(error)) => return Err(error.into()),
            read => read.unwrap_or(Read::Broken),
        };
    }
    Ok(ExitCode::SUCCESS)
}

/// Why there is no more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    /// The connection is broken, or was ended.
    Broken,
    /// Nobody reads what this writes.
    Unread,
}

struct Watching {
    api: Api,
    json: bool,
    /// The id of the last event that was told.
    last: Option<String>,
    /// Whether the last thing told was the end of the node.
    stopped: bool,
    /// Whether it was said that the connection is lost.
    lost: bool,
    wait: Duration,
}

impl Watching {
    /// Tells one stream to its end.
    fn read(&mut self) -> Result<Read, ClientError> {
        let reader = self.api.events(self.last.as_deref())?;
        let mut stream = Stream::new(BufReader::new(reader));
        loop {
            let sent = match stream.next() {
                Ok(Some(sent)) => sent,
                Ok(None) | Err(_) => return Ok(Read::Broken),
            };
            let report = serde_json::from_str(&sent.data);
            let report: EventReport = report.map_err(|_| self.api.stranger(&sent.data))?;
            self.last = sent.id.filter(|id| !id.is_empty()).or(self.last.take());
            self.lost = false;
            let stopped = matches!(report, EventReport::Stopped { .. });
            if stopped && self.stopped {
                continue;
            }
            self.stopped = stopped;
            if !stopped {
                self.wait = BACK_OFF.0;
            }
            let line = if self.json { sent.data } else { line(&report) };
            match written(&line) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return Ok(Read::Unread);
                }
                result => result.map_err(StdoutError)?,
            }
        }
    }
}

fn written(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// An event for people: when, which node, what.
fn line(report: &EventReport) -> String {
    let told = |at: &str, node: &NodeId, what: String| format!("{at}  node {node} {what}");
    let aside = |what: String| format!("{:24}  {what}", "");
    match report {
        EventReport::Status(status) => match &status.stopped {
            Some(reason) => told(
                &status.since,
                &status.node,
                format!("has stopped: {reason}"),
            ),
            None => {
                let what = viewed(status.role, status.leader, status.epoch);
                let held = if status.holds_leadership {
                    ", and holds the leadership"
                } else {
                    ""
                };
                told(&status.since, &status.node, what + held)
            }
        },
        EventReport::Viewed {
            at,
            node,
            role,
            leader,
            epoch,
            ..
        } => told(at, node, viewed(*role, *leader, *epoch)),
        EventReport::Granted {
            at, node, epoch, ..
        } => told(at, node, format!("holds the leadership of epoch {epoch}")),
        EventReport::Lost {
            at, node, epoch, ..
        } => told(
            at,
            node,
            format!("has lost the leadership of epoch {epoch}"),
        ),
        EventReport::Lagged { missed } => aside(format!("{missed} events were missed")),
        EventReport::Restarted { .. } => aside("the node was restarted".to_owned()),
        EventReport::Stopped { reason } => aside(format!("the node has stopped: {reason}")),
        _ => aside("something that this version does not know".to_owned()),
    }
}

fn viewed(role: Role, leader: Option<NodeId>, epoch: Epoch) -> String {
    match (role, leader) {
        (Role::Leader, _) => format!("leads epoch {epoch}"),
        (Role::Candidate, _) => format!("campaigns; its epoch is {epoch}"),
        (Role::Follower, Some(leader)) => format!("follows {leader} in epoch {epoch}"),
        (Role::Follower, None) => format!("knows no leader of epoch {epoch}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(event: &serde_json::Value) -> String {
        line(&serde_json::from_value(event.clone()).unwrap())
    }

    // A line is all that an operator sees of an event: when, who, and what it means.
    #[test]
    fn an_event_is_a_line() {
        let at = "2026-01-02T03:04:05.678Z";
        let viewed = |role: &str, leader: Option<u64>| {
            of(&json!({
                "event": "viewed", "number": 9, "at": at, "node": 1,
                "role": role, "leader": leader, "epoch": 7,
            }))
        };
        let on_time = |what: &str| format!("{at}  node 1 {what}");
        assert_eq!(viewed("follower", Some(2)), on_time("follows 2 in epoch 7"));
        assert_eq!(
            viewed("follower", None),
            on_time("knows no leader of epoch 7")
        );
        assert_eq!(
            viewed("candidate", None),
            on_time("campaigns; its epoch is 7")
        );
        assert_eq!(viewed("leader", Some(1)), on_time("leads epoch 7"));
        let lost = json!({"event": "lost", "number": 9, "at": at, "node": 1, "epoch": 7});
        assert_eq!(of(&lost), on_time("has lost the leadership of epoch 7"));
        let lagged = of(&json!({"event": "lagged", "missed": 12}));
        assert_eq!(lagged.find("12 events"), Some(at.len() + 2));
        assert!(of(&json!({"event": "danced"})).contains("does not know"));
    }
}
