use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::either::Either;

use crate::{socket::Socket, tls::TlsStream};

/// A connection between two nodes. The left variant is plain TCP, and the right variant is
/// encrypted with TLS.
pub(crate) type Stream = Either<Socket, Box<TlsStream<Socket>>>;

/// Returns the TCP connection below TLS.
pub(crate) fn socket_of(stream: &mut Stream) -> &mut Socket {
    match stream {
        Either::Left(socket) => socket,
        Either::Right(stream) => stream.get_mut().0,
    }
}

/// Writes one short frame of a handshake. Frames after the handshake are not written with this
/// function.
pub(crate) async fn write_frame(stream: &mut Stream, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    let mut frame = BytesMut::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(body);
    stream.write_all(&frame).await?;
    stream.flush().await
}

/// The result of reading one frame of a handshake.
#[derive(Debug)]
pub(crate) enum FirstFrame {
    Frame(Bytes),
    /// The bytes begin like a TLS record, but this node does not use TLS.
    Tls,
    /// The length of the frame is over the limit.
    TooLong,
}

/// Reads one short frame of a handshake, and no byte after it.
pub(crate) async fn read_frame(stream: &mut Stream, max_bytes: usize) -> io::Result<FirstFrame> {
    /// The types of TLS records that can come first: an alert and a handshake.
    const TLS_RECORDS: [u8; 2] = [21, 22];
    /// The first byte of the version in each TLS record.
    const TLS_MAJOR: u8 = 3;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > max_bytes {
        let is_tls = TLS_RECORDS.contains(&head[0]) && head[1] == TLS_MAJOR;
        return Ok(match is_tls {
            true => FirstFrame::Tls,
            false => FirstFrame::TooLong,
        });
    }
    let mut body = BytesMut::zeroed(length);
    stream.read_exact(&mut body).await?;
    Ok(FirstFrame::Frame(body.freeze()))
}
