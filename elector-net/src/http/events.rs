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
    connections::Busy,
    log::{Cursor, Entry, Next, Position},
    report::{EventReport, rfc3339},
    routes::refusal,
    service::{Service, Shared},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// How many events may wait for a reader's connection, besides those in the log.
const AHEAD: usize = 16;

/// After which event: `?after=17`, or `?after=ID`.
#[derive(Debug, Deserialize)]
pub(super) struct After {
    after: Option<String>,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// With the present, and then behind the event of this number.
    Afresh(Option<u64>),
    /// Behind the event of this number, of this run.
    After(u64),
    /// It knows an earlier run, or something that this one does not.
    Elsewhere,
}

/// `GET /v1/events`.
pub(super) async fn stream(
    State(service): State<Service>,
    after: Result<Query<After>, QueryRejection>,
    busy: Option<Extension<Busy>>,
    headers: HeaderMap,
) -> Response {
    let shared = service.shared();
    let start = match start(shared, after, &headers) {
        Ok(start) => start,
        Err(reason) => return refusal(StatusCode::BAD_REQUEST, &reason),
    };
    let Ok(permit) = Arc::clone(&shared.readers).try_acquire_owned() else {
        let reason = "as many read events as may: try again later, or raise the limit on readers";
        let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, reason);
        let later = HeaderValue::from_static("5");
        response.headers_mut().insert(header::RETRY_AFTER, later);
        return response;
    };
    let (out, events) = mpsc::channel(AHEAD);
    tokio::spawn(follow(Arc::clone(shared), start, out));
    let readers = shared.usage.readers.clone();
    readers.inc();
    let events = Told {
        events,
        readers,
        _permit: permit,
        _busy: busy.map(|Extension(busy)| busy),
    };
    let alive = KeepAlive::new().interval(shared.limits.keep_alive);
    Sse::new(events).keep_alive(alive).into_response()
}

/// The header comes from a reader that connects again by itself, to the same address with the same
/// query: so it goes first.
fn start(
    shared: &Shared,
    after: Result<Query<After>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Start, String> {
    let number = |number: u64| {
        // Numbers that were never given are of another run.
        let known = number <= shared.log.last().unwrap_or(0);
        if known {
            Start::After(number)
        } else {
            Start::Elsewhere
        }
    };
    let position = |position: Position| {
        if position.instance == shared.watched.instance {
            number(position.number)
        } else {
            Start::Elsewhere
        }
    };
    if let Some(id) = headers.get(LAST_EVENT_ID) {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        return Ok(id.map_or(Start::Elsewhere, position));
    }
    let Query(After { after }) = after.map_err(|error| error.body_text())?;
    let Some(after) = after else {
        // Now, before the answer begins: whatever happens after that is among the events.
        return Ok(Start::Afresh(shared.log.last()));
    };
    if let Ok(id) = after.parse() {
        return Ok(position(id));
    }
    let reason = || format!("after={after:?} is neither the number of an event nor its id");
    Ok(number(after.parse().map_err(|_| reason())?))
}

/// Tells one reader what comes next, until it has gone or there is nothing more to tell.
async fn follow(shared: Arc<Shared>, start: Start, out: mpsc::Sender<sse::Event>) {
    let telling = async {
        let mut cursor = match start {
            Start::After(number) => Cursor::At(number.saturating_add(1)),
            Start::Elsewhere => {
                let instance = format!("{:016x}", shared.watched.instance);
                let restarted = EventReport::Restarted { instance };
                out.send(written(None, &restarted)).await?;
                Cursor::Oldest
            }
            Start::Afresh(last) => {
                // Looked at later than the events: news that it shows already are told twice, not
                // never.
                let status = shared.watched.status_report().await;
                let id = last.map(|number| position(&shared, number));
                let status = EventReport::Status(Box::new(status));
                out.send(written(id, &status)).await?;
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
                    out.send(written(None, &lagged)).await?;
                }
                Next::Entry(entry) => {
                    cursor = Cursor::At(entry.number.saturating_add(1));
                    let id = position(&shared, entry.number);
                    let event = reported(&shared, entry);
                    out.send(written(Some(id), &event)).await?;
                }
                Next::Ended(reason) => {
                    let stopped = EventReport::Stopped { reason };
                    return out.send(written(None, &stopped)).await;
                }
                Next::Nothing => {
                    // It never fails: the log is here.
                    let _ = changes.changed().await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = shared.closing.cancelled() => {}
        () = out.closed() => {}
        // An error says that the reader has gone.
        _ = telling => {}
    }
}

fn position(shared: &Shared, number: u64) -> Position {
    Position {
        instance: shared.watched.instance,
        number,
    }
}

fn reported(shared: &Shared, entry: Entry) -> EventReport {
    let (number, at, node) = (entry.number, rfc3339(entry.at), shared.watched.me());
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
        _ => EventReport::Unknown,
    }
}

fn written(id: Option<Position>, event: &EventReport) -> sse::Event {
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

/// The events of one reader on their way to its connection.
#[derive(Debug)]
struct Told {
    events: mpsc::Receiver<sse::Event>,
    readers: Gauge,
    _permit: OwnedSemaphorePermit,
    _busy: Option<Busy>,
}

impl Stream for Told {
    type Item = Result<sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.events.poll_recv(cx).map(|event| event.map(Ok))
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.readers.dec();
    }
}
