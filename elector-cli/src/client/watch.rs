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

/// The pause before the first attempt to connect again. The pause doubles after each attempt that
/// fails.
const MIN_PAUSE: Duration = Duration::from_millis(200);
/// The maximum pause between two attempts to connect.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Carries out `elector watch`. Returns when the reader of standard output has closed the pipe.
pub(super) fn watch(options: &Watch) -> Result<ExitCode, ClientError> {
    let mut watcher = Watcher {
        api: Api::new(&options.target.http),
        json: options.json,
        last_id: None,
        has_stopped: false,
        has_warned: false,
        pause: MIN_PAUSE,
    };
    // If no node answers at the start, the address is probably wrong, so the command fails. Later
    // failures only lead to another attempt.
    let mut end = watcher.read()?;
    while end == StreamEnd::Disconnected {
        if !watcher.has_warned && !watcher.has_stopped {
            output::warn("connection to the node closed, trying again\n");
            watcher.has_warned = true;
        }
        thread::sleep(watcher.pause);
        watcher.pause = (watcher.pause * 2).min(MAX_PAUSE);
        end = match watcher.read() {
            Err(ClientError::Stdout(error)) => return Err(error.into()),
            end => end.unwrap_or(StreamEnd::Disconnected),
        };
    }
    Ok(ExitCode::SUCCESS)
}

/// Why no more events are read from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StreamEnd {
    /// The connection has failed, or the node has closed it.
    Disconnected,
    /// The reader of standard output has closed the pipe.
    StdoutClosed,
}

struct Watcher {
    api: Api,
    json: bool,
    /// The id of the last event that was printed.
    last_id: Option<String>,
    /// Whether the last event that was printed says that the node has stopped.
    has_stopped: bool,
    /// Whether the user was warned that the connection is closed.
    has_warned: bool,
    /// The pause before the next attempt to connect.
    pause: Duration,
}

impl Watcher {
    /// Connects, and prints the events of the stream until the stream ends.
    fn read(&mut self) -> Result<StreamEnd, ClientError> {
        let reader = self.api.events(self.last_id.as_deref())?;
        let mut stream = Stream::new(BufReader::new(reader));
        loop {
            let event = match stream.next() {
                Ok(Some(event)) => event,
                Ok(None) | Err(_) => return Ok(StreamEnd::Disconnected),
            };
            let report: EventReport = self.api.parse(&event.data)?;
            let id = event.id.filter(|id| !id.is_empty());
            self.last_id = id.or(self.last_id.take());
            self.has_warned = false;
            let has_stopped = matches!(report, EventReport::Stopped { .. });
            if has_stopped && self.has_stopped {
                continue;
            }
            self.has_stopped = has_stopped;
            if !has_stopped {
                self.pause = MIN_PAUSE;
            }
            let line = if self.json { event.data } else { line(&report) };
            match write_line(&line) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return Ok(StreamEnd::StdoutClosed);
                }
                result => result.map_err(StdoutError)?,
            }
        }
    }
}

fn write_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Returns an event as text for people: the time, the node, and what happened.
fn line(report: &EventReport) -> String {
    let dated = |at: &str, node: &NodeId, what: String| format!("{at}  node {node} {what}");
    let undated = |what: String| format!("{:24}  {what}", "");
    match report {
        EventReport::Status(status) => match &status.stopped {
            Some(reason) => dated(
                &status.since,
                &status.node,
                format!("has stopped: {reason}"),
            ),
            None => {
                let what = view(status.role, status.leader, status.epoch);
                let held = if status.holds_leadership {
                    ", and holds the leadership"
                } else {
                    ""
                };
                dated(&status.since, &status.node, what + held)
            }
        },
        EventReport::Viewed {
            at,
            node,
            role,
            leader,
            epoch,
            ..
        } => dated(at, node, view(*role, *leader, *epoch)),
        EventReport::Granted {
            at, node, epoch, ..
        } => dated(at, node, format!("holds the leadership of epoch {epoch}")),
        EventReport::Lost {
            at, node, epoch, ..
        } => dated(
            at,
            node,
            format!("has lost the leadership of epoch {epoch}"),
        ),
        EventReport::Members {
            at, node, roster, ..
        } => dated(at, node, format!("has the list of members {roster}")),
        EventReport::Lagged { missed } => undated(format!("{missed} events were missed")),
        EventReport::Restarted { .. } => undated("the node was restarted".to_owned()),
        EventReport::Stopped { reason } => undated(format!("the node has stopped: {reason}")),
        _ => undated("an event that this version of elector does not know".to_owned()),
    }
}

fn view(role: Role, leader: Option<NodeId>, epoch: Epoch) -> String {
    match (role, leader) {
        (Role::Leader, _) => format!("leads epoch {epoch}"),
        (Role::PreCandidate, _) => format!("is a pre-candidate; its epoch is {epoch}"),
        (Role::Candidate, _) => format!("is a candidate; its epoch is {epoch}"),
        (Role::Follower, Some(leader)) => format!("follows {leader} in epoch {epoch}"),
        (Role::Follower, None) => format!("knows no leader in epoch {epoch}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(event: &serde_json::Value) -> String {
        line(&serde_json::from_value(event.clone()).unwrap())
    }

    // An operator sees only this line of an event, so the line needs the time, the node, and the
    // meaning of the event.
    #[test]
    fn each_event_is_one_line() {
        let at = "2026-01-02T03:04:05.678Z";
        let viewed = |role: &str, leader: Option<u64>| {
            of(&json!({
                "event": "viewed", "number": 9, "at": at, "node": 1,
                "role": role, "leader": leader, "epoch": 7,
            }))
        };
        let dated = |what: &str| format!("{at}  node 1 {what}");
        assert_eq!(viewed("follower", Some(2)), dated("follows 2 in epoch 7"));
        assert_eq!(
            viewed("follower", None),
            dated("knows no leader in epoch 7")
        );
        assert_eq!(
            viewed("pre-candidate", None),
            dated("is a pre-candidate; its epoch is 7")
        );
        assert_eq!(
            viewed("candidate", None),
            dated("is a candidate; its epoch is 7")
        );
        assert_eq!(viewed("leader", Some(1)), dated("leads epoch 7"));
        let lost = json!({"event": "lost", "number": 9, "at": at, "node": 1, "epoch": 7});
        assert_eq!(of(&lost), dated("has lost the leadership of epoch 7"));
        let members =
            json!({"event": "members", "number": 9, "at": at, "node": 1, "roster": "7.2"});
        assert_eq!(of(&members), dated("has the list of members 7.2"));
        let lagged = of(&json!({"event": "lagged", "missed": 12}));
        assert_eq!(lagged.find("12 events"), Some(at.len() + 2));
        assert!(of(&json!({"event": "danced"})).contains("does not know"));
    }
}
