//! Tests of mutual TLS between nodes: which connections succeed, and what each error says.

mod files;
mod handshakes;
mod made;
mod pki;
mod rejections;
mod renewal;

use std::{future::Future, path::Path, time::Duration};

use elector_core::NodeId;
use elector_net::tls::{Accepted, Tls, TlsError, TlsStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

fn node(folder: impl AsRef<Path>, id: u64) -> Tls {
    Tls::load(folder.as_ref(), NodeId(id)).unwrap()
}

/// Waits for a future with a long time limit. No test here depends on a clock, but a test that
/// hangs must fail.
async fn in_time<F: Future>(future: F) -> F::Output {
    let done = tokio::time::timeout(Duration::from_secs(60), future);
    done.await.expect("nothing happened for a minute")
}

type Connected = Result<TlsStream<DuplexStream>, TlsError>;
type Incoming = Result<Accepted<DuplexStream>, TlsError>;

/// Connects the node `from` to the node `to`. `from` expects that the other side is the node
/// `peer`. Returns the results of both sides.
async fn call(from: &Tls, to: &Tls, peer: u64) -> (Connected, Incoming) {
    let (here, there) = duplex(64 * 1024);
    in_time(async { tokio::join!(from.connect(here, NodeId(peer)), to.accept(there)) }).await
}

/// Sends a few bytes in each direction.
async fn talk<A, B>(mut one: TlsStream<A>, mut other: TlsStream<B>)
where
    A: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    B: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    in_time(async {
        let mut word = [0; 4];
        one.write_all(b"ping").await.unwrap();
        one.flush().await.unwrap();
        other.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"ping");
        other.write_all(b"pong").await.unwrap();
        other.flush().await.unwrap();
        one.read_exact(&mut word).await.unwrap();
        assert_eq!(&word, b"pong");
    })
    .await;
}
