use std::{io, net::IpAddr, sync::Arc};

use bytes::BytesMut;
use elector_core::ElectionAlgorithm;
use tokio::{
    io::{AsyncWriteExt, split},
    time::timeout,
};
use tokio_stream::StreamExt;
use tokio_util::{codec::FramedRead, sync::CancellationToken};

use super::introduce::Introduced;
use crate::{
    farewell::{Ended, Farewell},
    link::Link,
    station::{HANDSHAKE, Station},
    stream::{Stream, write_frame},
    wire::{
        Frame, MOST_BYTES, codec,
        hello::{Answer, Hello, NO_COMMITMENT},
        ponging,
        refusal::Refusal,
    },
};

/// Lets a peer in that has said who it is, and reads what it says. On the node's thread: what is
/// known of a peer is changed there alone, and each message is handled without another thread being
/// woken.
pub(super) async fn receive<A: ElectionAlgorithm>(
    station: Arc<Station<A>>,
    introduced: Introduced,
    from: IpAddr,
) {
    let Introduced {
        link,
        hello,
        mut stream,
    } = introduced;
    let let_in = timeout(HANDSHAKE, let_in(&station, &link, &hello, &mut stream)).await;
    match let_in.unwrap_or(Err(Refusal::Silent)) {
        Ok(Some(closing)) => {
            link.places.came_from(from);
            read(&station, &link, &hello, stream, closing).await;
        }
        // It hung up, or this side's own disk fails: the peer tries again.
        Ok(None) => {}
        Err(refusal) => station.refuse(from, &refusal, &refusal, Some(&link)),
    }
}

/// `Ok(None)` if the connection cannot be used.
async fn let_in<A: ElectionAlgorithm>(
    station: &Station<A>,
    link: &Link,
    hello: &Hello,
    stream: &mut Stream,
) -> Result<Option<CancellationToken>, Refusal> {
    if let Err(error) = stream.move_here() {
        tracing::debug!(node = station.me().0, peer = %link.node, %error, "a connection is lost");
        return Ok(None);
    }
    let claimed = match station.admit(hello.from, hello.disk).await {
        Ok(()) => link.claim(hello.life, 2 * station.detection.ceiling),
        Err(Some(refusal)) => Err(refusal),
        Err(None) => return Ok(None),
    };
    let answer = match &claimed {
        Ok(_) => {
            // Before anything that this life says is heard.
            station.meet(link, hello.life, hello.hold);
            station.heard(link);
            link.alive.notify_one();
            station.welcome()
        }
        Err(refusal) => Answer::Refused(refusal.clone()),
    };
    let answered = write_frame(stream, &answer.write()).await;
    let closing = claimed?;
    if answered.is_err() {
        link.left(&closing);
        return Ok(None);
    }
    Ok(Some(closing))
}

/// Reads what a peer says, until the connection breaks or is replaced.
async fn read<A: ElectionAlgorithm>(
    station: &Station<A>,
    link: &Link,
    hello: &Hello,
    stream: Stream,
    closing: CancellationToken,
) {
    let ended = closing.run_until_cancelled(listen(station, link, stream));
    if let Some(Err(error)) = ended.await {
        let proof = Ended::of(&error).filter(|Ended(farewell)| proves(farewell, hello));
        if proof.is_some() {
            station.bury(link, hello.life);
        } else if is_garbage(&error) {
            station.links.count(&Refusal::Garbage);
            if link.is_news_of_garbage() {
                tracing::error!(
                    node = station.me().0, peer = %link.node,
                    "this peer sent what is no message of the algorithm: is it of another release?"
                );
            }
        }
        tracing::debug!(
            node = station.me().0, peer = %link.node, %error,
            "it does not speak any more"
        );
    }
    link.left(&closing);
}

/// Whether this is the farewell of the life that has said this hello, on the same connection.
fn proves(farewell: &Farewell, hello: &Hello) -> bool {
    hello.death_commitment != NO_COMMITMENT && farewell.commitment() == hello.death_commitment
}

/// A farewell of another life is garbage as well.
fn is_garbage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData || Ended::of(error).is_some()
}

async fn listen<A: ElectionAlgorithm>(
    station: &Station<A>,
    link: &Link,
    stream: Stream,
) -> io::Result<()> {
    let (reading, mut writing) = split(stream);
    let mut frames = FramedRead::new(reading, codec(MOST_BYTES));
    let mut out = BytesMut::new();
    loop {
        let frame = timeout(station.stale, frames.next()).await;
        let frame = frame.map_err(|_| io::ErrorKind::TimedOut)?;
        let body = frame.ok_or(io::ErrorKind::UnexpectedEof)??;
        station.heard(link);
        match Frame::read(&body) {
            Some(Frame::Message(bytes)) => match postcard::take_from_bytes(bytes) {
                Ok((message, [])) => {
                    // Counted by the inbox.
                    let _ = station.inbox.deliver(link.node, message);
                }
                Ok(_) | Err(_) => return Err(io::ErrorKind::InvalidData.into()),
            },
            Some(Frame::Ping(number)) => {
                link.ticked(number);
                ponging(number, &mut out);
                writing.write_all(&out).await?;
                writing.flush().await?;
                out.clear();
            }
            Some(Frame::Pong(_)) | None => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}
