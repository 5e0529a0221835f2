use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Extension,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{self, KeepAlive, Sse},
    },
};
use elector_core::actor::EventKind;
use futures_core::Stream;
use prometheus_client::metrics::gauge::Gauge;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{
    connections::ActiveRequest,
    event_log::{Cursor, Entry, Next, Position},
    report::{EventReport, rfc3339},
    routes::error_response,
    service::{Service, Shared},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The maximum number of events that wait in the queue of one reader until the reader's connection
/// can send them. Later events stay in the log.
const AHEAD: usize = 16;

/// The query with the event after which a reader continues: `?after=17`, or `?after=ID`.
#[derive(Debug, Deserialize)]
pub(super) struct AfterQuery {
    after: Option<String>,
}

/// The position at which a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The reader first receives the status, and then the events after the event with this number.
    /// `None` if there is no event yet.
    Now(Option<u64>),
    /// The reader receives the events of this life (process) of the node after the event with this
    /// number.
    After(u64),
    /// The id of an event that the reader has sent belongs to another life (process) of the node,
    /// or is not valid.
    UnknownRun,
}

/// Handles `GET /v1/events`: sends the events of this node to a reader as they occur.
pub(super) async fn stream(
    State(service): State<Service>,
    after: Result<Query<AfterQuery>, QueryRejection>,
    busy: Option<Extension<ActiveRequest>>,
    headers: HeaderMap,
) -> Response {
    let shared = service.shared();
    let start = match start(shared, after, &headers) {
        Ok(start) => start,
        Err(reason) => return error_response(StatusCode::BAD_REQUEST, &reason),
    };
    let Ok(permit) = Arc::clone(&shared.readers).try_acquire_owned() else {
        let reason = "too many readers of events: try again later, or raise the limit on readers";
        let mut response = error_response(StatusCode::SERVICE_UNAVAILABLE, reason);
        let later = HeaderValue::from_static("5");
        response.headers_mut().insert(header::RETRY_AFTER, later);
        return response;
    };
    let (out, events) = mpsc::channel(AHEAD);
    tokio::spawn(send_events(Arc::clone(shared), start, out));
    let readers = shared.usage.readers.clone();
    readers.inc();
    let events = EventStream {
        events,
        readers,
        _permit: permit,
        _busy: busy.map(|Extension(busy)| busy),
    };
    let alive = KeepAlive::new().interval(shared.limits.keep_alive);
    Sse::new(events).keep_alive(alive).into_response()
}

/// Returns the position at which a reader begins. The header `Last-Event-ID` has priority over the
/// query: a reader that reconnects automatically sends this header in addition to the query of its
/// first request.
fn start(
    shared: &Shared,
    after: Result<Query<AfterQuery>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Start, String> {
    let number = |number: u64| {
        // If this life (process) of the node has had no event with this number yet, the number
        // belongs to another life.
        let known = number <= shared.log.last().unwrap_or(0);
        if known {
            Start::After(number)
        } else {
            Start::UnknownRun
        }
    };
    let position = |position: Position| {
        if position.instance == shared.node.instance {
            number(position.number)
        } else {
            Start::UnknownRun
        }
    };
    if let Some(id) = headers.get(LAST_EVENT_ID) {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        return Ok(id.map_or(Start::UnknownRun, position));
    }
    let Query(AfterQuery { after }) = after.map_err(|error| error.body_text())?;
    let Some(after) = after else {
        // The last number is read before the answer begins, so later changes are among the events.
        return Ok(Start::Now(shared.log.last()));
    };
    if let Ok(id) = after.parse() {
        return Ok(position(id));
    }
    let reason = || format!("after={after:?} is not the number or the id of an event");
    Ok(number(after.parse().map_err(|_| reason())?))
}

/// Sends events to one reader, until the reader disconnects, the service is closed, or the node
/// stops.
async fn send_events(shared: Arc<Shared>, start: Start, out: mpsc::Sender<sse::Event>) {
    let sending = async {
        let mut cursor = match start {
            Start::After(number) => Cursor::At(number.saturating_add(1)),
            Start::UnknownRun => {
                let instance = format!("{:016x}", shared.node.instance);
                let restarted = EventReport::Restarted { instance };
                out.send(to_sse(None, &restarted)).await?;
                Cursor::Oldest
            }
            Start::Now(last) => {
                // `start` has read the number of the last event before the status is read here. So
                // a change may be sent twice, in the status and as an event, but no change is lost.
                let status = shared.node.status_report().await;
                let id = last.map(|number| position(&shared, number));
                let status = EventReport::Status(Box::new(status));
                out.send(to_sse(id, &status)).await?;
                last.map_or(Cursor::Oldest, |number| {
                    Cursor::At(number.saturating_add(1))
                })
            }
        };
        let mut changes = shared.log.changes();
        loop {
            changes.mark_unchanged();
            match shared.log.next(cursor) {
                Next::Missed(missed, next) => {
                    cursor = next;
                    let lagged = EventReport::Lagged { missed };
                    out.send(to_sse(None, &lagged)).await?;
                }
                Next::Entry(entry) => {
                    cursor = Cursor::At(entry.number.saturating_add(1));
                    let id = position(&shared, entry.number);
                    let event = to_report(&shared, entry);
                    out.send(to_sse(Some(id), &event)).await?;
                }
                Next::Ended(reason) => {
                    let stopped = EventReport::Stopped { reason };
                    return out.send(to_sse(None, &stopped)).await;
                }
                Next::Nothing => {
                    // This wait never fails, because `shared` keeps the log alive.
                    let _ = changes.changed().await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shared.closing.cancelled() => {}
        () = out.closed() => {}
        // An error means that the reader has disconnected.
        _ = sending => {}
    }
}

fn position(shared: &Shared, number: u64) -> Position {
    Position {
        instance: shared.node.instance,
        number,
    }
}

fn to_report(shared: &Shared, entry: Entry) -> EventReport {
    let (number, at, node) = (entry.number, rfc3339(entry.at), shared.node.me());
    match entry.kind {
        EventKind::Viewed(view) => EventReport::Viewed {
            number,
            at,
            node,
            role: view.role,
            leader: view.leader,
            epoch: view.epoch,
        },
        EventKind::Granted(epoch) => EventReport::Granted {
            number,
            at,
            node,
            epoch,
        },
        EventKind::Lost(epoch) => EventReport::Lost {
            number,
            at,
            node,
            epoch,
        },
        EventKind::MembersChanged(roster) => EventReport::Members {
            number,
            at,
            node,
            roster: roster.to_string(),
        },
        _ => EventReport::Unknown,
    }
}

fn to_sse(id: Option<Position>, event: &EventReport) -> sse::Event {
    let written = sse::Event::default().event(event.name());
    let written = match id {
        Some(id) => written.id(id.to_string()),
        None => written,
    };
    match serde_json::to_string(event) {
        Ok(data) => written.data(data),
        Err(error) => written.data(error.to_string()),
    }
}

/// The events for one reader, on their way to the reader's connection.
#[derive(Debug)]
struct EventStream {
    events: mpsc::Receiver<sse::Event>,
    readers: Gauge,
    _permit: OwnedSemaphorePermit,
    _busy: Option<ActiveRequest>,
}

impl Stream for EventStream {
    type Item = Result<sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx).map(|event| event.map(Ok))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.readers.dec();
    }
}
