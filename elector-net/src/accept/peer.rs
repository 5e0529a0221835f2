use std::{io, net::IpAddr, sync::Arc};

use bytes::BytesMut;
use elector_core::ElectionAlgorithm;
use tokio::{
    io::{AsyncWriteExt, split},
    time::timeout,
};
use tokio_stream::StreamExt;
use tokio_util::{codec::FramedRead, sync::CancellationToken};

use super::handshake::IdentifiedPeer;
use crate::{
    address_book::MAX_ADDRESSES,
    context::{HANDSHAKE_TIMEOUT, NodeContext},
    farewell::{Ended, Farewell},
    link::Link,
    stream::{Stream, socket_of, write_frame},
    wire::{
        Frame, MAX_FRAME_BYTES, MessageReader, codec, decode_addresses,
        hello::{Answer, Hello, NO_COMMITMENT},
        rejection::Rejection,
        write_pong,
    },
};

/// Admits or rejects a peer that has described itself in a valid hello, and reads what an admitted
/// peer sends. This function runs on the node's thread, like the task that dials the peer. So only
/// the node's thread changes the connections and the life (number of the process) of a peer, and it
/// handles each message without waking another thread.
pub(super) async fn receive<A: ElectionAlgorithm>(
    context: Arc<NodeContext<A>>,
    mut peer: IdentifiedPeer,
    from: IpAddr,
) {
    let admission = admit(&context, &mut peer);
    let admitted = timeout(HANDSHAKE_TIMEOUT, admission).await;
    let link = Arc::clone(&peer.link);
    match admitted.unwrap_or(Err(Rejection::Silent)) {
        Ok(Some(closing)) => {
            link.known_addresses.set_admitted(from);
            context.learn_address(link.node, &peer.hello.address, from.to_canonical());
            read_until_closed(&context, peer, closing).await;
        }
        // The peer closed the connection, or this node cannot store the peer's disk id. The peer
        // tries again.
        Ok(None) => {}
        Err(rejection) => context.reject(from, &rejection, &rejection, Some(&link)),
    }
}

/// Admits or rejects the connection. Returns `Ok(None)` if the connection cannot be used.
async fn admit<A: ElectionAlgorithm>(
    context: &NodeContext<A>,
    peer: &mut IdentifiedPeer,
) -> Result<Option<CancellationToken>, Rejection> {
    let (link, hello, stream) = (&*peer.link, &peer.hello, &mut peer.stream);
    if let Err(error) = socket_of(stream).move_here() {
        tracing::debug!(
            node = context.me().0, peer = %link.node, %error,
            "connection of peer could not be moved to the node's thread"
        );
        return Ok(None);
    }
    if !context.join(hello).await {
        return Ok(None);
    }
    let admitted = match context.admit(hello.from, hello.disk).await {
        Ok(()) => {
            let has_other_disk = context.links.has_other_disk(hello.from, hello.disk);
            let fresh = 2 * context.detection.ceiling;
            link.admit_incoming(hello.life, has_other_disk, fresh)
        }
        Err(Some(rejection)) => Err(rejection),
        Err(None) => return Ok(None),
    };
    let answer = match &admitted {
        Ok(_) => {
            // The number of the peer's life (process) must be recorded before this node handles any
            // message of this life.
            context.learn_life(link, hello.life, hello.lock_claim);
            context.received(link);
            link.alive.notify_one();
            context.welcome(peer.version)
        }
        Err(rejection) => Answer::Rejected(rejection.clone()),
    };
    let answered = write_frame(stream, &answer.write()).await;
    let closing = admitted?;
    if answered.is_err() {
        link.incoming_closed(&closing);
        return Ok(None);
    }
    Ok(Some(closing))
}

/// Reads what a peer sends, until the connection breaks or another connection replaces it.
async fn read_until_closed<A: ElectionAlgorithm>(
    context: &NodeContext<A>,
    peer: IdentifiedPeer,
    closing: CancellationToken,
) {
    let (link, hello) = (&*peer.link, &peer.hello);
    let ended = closing.run_until_cancelled(read_frames(context, link, peer.stream));
    if let Some(Err(error)) = ended.await {
        let is_proof = |Ended(farewell): &&Ended| is_farewell_of(farewell, hello);
        if Ended::of(&error).filter(is_proof).is_some() {
            context.prove_dead(link, hello.life);
        } else if is_garbage(&error) {
            context.links.count(&Rejection::Garbage);
            if link.is_first_garbage() {
                tracing::error!(
                    node = context.me().0, peer = %link.node,
                    "peer sent a message that is not valid in this algorithm: check whether it is \
                     of another release"
                );
            }
        }
        tracing::debug!(
            node = context.me().0, peer = %link.node, %error, "connection of peer closed"
        );
    }
    link.incoming_closed(&closing);
}

/// Returns `true` if this farewell, the secret that a watcher sends after the end of a process,
/// proves that the process that has sent this hello has ended. The farewell and the hello must have
/// arrived on the same connection.
fn is_farewell_of(farewell: &Farewell, hello: &Hello) -> bool {
    hello.death_commitment != NO_COMMITMENT && farewell.commitment() == hello.death_commitment
}

/// Returns `true` if the error means that invalid data was received. A farewell (the secret that a
/// watcher sends after the end of a process) is invalid, too, if it does not prove the end of the
/// connected process.
fn is_garbage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData || Ended::of(error).is_some()
}

async fn read_frames<A: ElectionAlgorithm>(
    context: &NodeContext<A>,
    link: &Link,
    stream: Stream,
) -> io::Result<()> {
    let (reading, mut writing) = split(stream);
    let mut frames = FramedRead::new(reading, codec(MAX_FRAME_BYTES));
    let mut out = BytesMut::new();
    let mut messages = MessageReader::new();
    loop {
        let frame = timeout(context.idle_timeout, frames.next()).await;
        let frame = frame.map_err(|_| io::ErrorKind::TimedOut)?;
        let body = frame.ok_or(io::ErrorKind::UnexpectedEof)??;
        context.received(link);
        match Frame::read(&body) {
            Some(frame @ (Frame::Message(_) | Frame::RosterMessage(_))) => {
                let message = messages.read(&frame).ok_or(io::ErrorKind::InvalidData)?;
                // If the inbox drops the message, the inbox counts it.
                let _ = context.inbox.deliver(link.node, message);
            }
            Some(Frame::Roster(roster)) => messages.announced(roster),
            Some(Frame::Addresses(bytes)) => read_addresses(context, bytes)?,
            Some(Frame::Ping(clock_ns)) => {
                link.clock_received(clock_ns);
                write_pong(clock_ns, &mut out);
                writing.write_all(&out).await?;
                writing.flush().await?;
                out.clear();
            }
            Some(Frame::Pong(_)) | None => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Learns the addresses of other nodes that a peer has reported. Their number is limited, because
/// the node's thread decodes them.
fn read_addresses<A: ElectionAlgorithm>(context: &NodeContext<A>, bytes: &[u8]) -> io::Result<()> {
    let reported = decode_addresses(bytes).ok_or(io::ErrorKind::InvalidData)?;
    if reported.len() > MAX_ADDRESSES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    for (node, address) in reported {
        let is_new = A::CHANGES_MEMBERS
            && node != context.me()
            && context.addresses.reported(node, &address);
        if let Some(link) = context.links.of(node).filter(|_| is_new) {
            link.alive.notify_one();
        }
    }
    Ok(())
}
