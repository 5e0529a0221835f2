//! A wire that can be cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What a wire does with what goes over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Passes,
    /// Nothing arrives any more, and nobody is told: a black hole.
    Swallows,
}

/// A wire to one node. Everything ends when it is dropped.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
    resets: watch::Sender<u64>,
    pub(crate) carried: Arc<AtomicU64>,
}

impl Wire {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            address: listener.local_addr().unwrap(),
            mode: watch::Sender::new(Mode::Passes),
            resets: watch::Sender::new(0),
            carried: Arc::default(),
        };
        let (mode, resets) = (wire.mode.subscribe(), wire.resets.subscribe());
        let carried = Arc::clone(&wire.carried);
        tokio::spawn(async move {
            let mut ended = mode.clone();
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    // The wire was dropped.
                    () = async { while ended.changed().await.is_ok() {} } => return,
                };
                let Ok((near, _)) = accepted else { return };
                let (mode, mut resets) = (mode.clone(), resets.clone());
                resets.mark_unchanged();
                let carried = Arc::clone(&carried);
                tokio::spawn(async move {
                    tokio::select! {
                        () = carry(near, target, mode, carried) => {}
                        _ = resets.changed() => {}
                    }
                });
            }
        });
        wire
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Breaks every connection; new ones are carried.
    pub(crate) fn reset(&self) {
        self.resets.send_modify(|resets| *resets += 1);
    }
}

async fn carry(
    near: TcpStream,
    target: SocketAddr,
    mode: watch::Receiver<Mode>,
    carried: Arc<AtomicU64>,
) {
    let mut waiting = mode.clone();
    if waiting
        .wait_for(|mode| *mode == Mode::Passes)
        .await
        .is_err()
    {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::select! {
        () = one_way(near_read, far_write, mode.clone(), &carried) => {}
        () = one_way(far_read, near_write, mode, &carried) => {}
    }
}

async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: watch::Receiver<Mode>,
    carried: &AtomicU64,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut bytes).await {
        if read == 0 {
            return;
        }
        if *mode.borrow() == Mode::Swallows {
            continue;
        }
        carried.fetch_add(1, Ordering::Relaxed);
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
