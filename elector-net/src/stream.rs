use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::{socket::Socket, tls::TlsStream};

/// A connection, encrypted or not.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Socket),
    Encrypted(Box<TlsStream<Socket>>),
}

impl Stream {
    /// Returns the connection below TLS.
    pub(crate) fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Encrypted(stream) => stream.get_ref().0,
        }
    }

    /// See [`Socket::move_here`].
    pub(crate) fn move_here(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.move_here(),
            Self::Encrypted(stream) => stream.get_mut().0.move_here(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Writes one short frame. It is used for the handshake, before frames are exchanged as a stream.
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
    /// The bytes begin like TLS, which this side does not use.
    Tls,
    /// The frame would be too long.
    TooLong,
}

/// Reads one short frame, and no byte after it.
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
