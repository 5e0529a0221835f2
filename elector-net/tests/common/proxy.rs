//! A proxy in front of a node, called a wire. A test can interrupt the traffic through the wire.

use std::{
    io::ErrorKind,
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
    sync::{mpsc, watch},
};

/// What a wire, which is a proxy in front of a node, does with data that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Passes,
    /// The data is dropped, and no error is reported, as in a black hole.
    Swallows,
    /// The data is delayed. When the wire (the proxy) passes data again, all delayed data arrives
    /// in order, as after an outage that TCP survives.
    Holds,
}

/// A wire to one node: a proxy in front of this node. Dropping the wire closes all its connections.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    mode: watch::Sender<Mode>,
    resets: watch::Sender<u64>,
    mortal: watch::Sender<bool>,
    open: watch::Receiver<bool>,
    pub(crate) carried: Arc<AtomicU64>,
}

impl Wire {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), target).await
    }

    /// Creates a wire (a proxy) at this address. Nodes dial this address to reach `target`.
    pub(crate) async fn at(address: SocketAddr, target: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let (open, is_open) = watch::channel(true);
        let wire = Self {
            address: listener.local_addr().unwrap(),
            mode: watch::Sender::new(Mode::Passes),
            resets: watch::Sender::new(0),
            mortal: watch::Sender::new(false),
            open: is_open,
            carried: Arc::default(),
        };
        let end = End {
            address: wire.address,
            target,
            mode: wire.mode.subscribe(),
            resets: wire.resets.subscribe(),
            carried: Arc::clone(&wire.carried),
        };
        tokio::spawn(end.serve(listener, wire.mortal.subscribe(), open));
        wire
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Breaks all open connections through this proxy. The proxy still carries new connections.
    pub(crate) fn reset(&self) {
        self.resets.send_modify(|resets| *resets += 1);
    }

    /// Prepares the wire (the proxy) for the end of the process of its target, the node behind it.
    /// From now on, when the target refuses a connection, the wire refuses connections, too.
    /// Without this call, peers would never be refused: the wire would accept their connections and
    /// close them.
    pub(crate) fn foresee_end(&self) {
        self.mortal.send_replace(true);
    }

    /// Prepares the wire (the proxy) for a new start of its target, the node behind it. The wire
    /// listens again, and does not refuse connections even if the target does not run yet. Waits
    /// until the wire listens.
    pub(crate) async fn foresee_return(&self) {
        self.mortal.send_replace(false);
        let mut open = self.open.clone();
        open.wait_for(|open| *open).await.unwrap();
    }
}

/// The task of a wire, which is a proxy. The task accepts the connections of nodes, and carries
/// their data to the target, the node behind the wire.
struct End {
    address: SocketAddr,
    target: SocketAddr,
    mode: watch::Receiver<Mode>,
    resets: watch::Receiver<u64>,
    carried: Arc<AtomicU64>,
}

impl End {
    /// Accepts connections until the wire (the proxy) is dropped.
    async fn serve(
        self,
        listener: TcpListener,
        mut mortal: watch::Receiver<bool>,
        open: watch::Sender<bool>,
    ) {
        let mut listener = Some(listener);
        let (refused, mut refusals) = mpsc::unbounded_channel();
        loop {
            tokio::select! {
                biased;
                Some(near) = refusals.recv() => {
                    if *mortal.borrow() {
                        listener = None;
                        open.send_replace(false);
                    }
                    // The connection is closed. The node that dialled tries again, and its
                    // connection is refused if the wire (the proxy) does not listen.
                    drop::<TcpStream>(near);
                }
                changed = mortal.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if !*mortal.borrow() && listener.is_none() {
                        listener = Some(TcpListener::bind(self.address).await.unwrap());
                        open.send_replace(true);
                    }
                }
                near = accept(listener.as_ref()) => self.begin(near, refused.clone()),
            }
        }
    }

    fn begin(&self, near: TcpStream, refused: mpsc::UnboundedSender<TcpStream>) {
        let (target, mode) = (self.target, self.mode.clone());
        let (carried, mut resets) = (Arc::clone(&self.carried), self.resets.clone());
        resets.mark_unchanged();
        tokio::spawn(async move {
            tokio::select! {
                () = carry(near, target, mode, carried, refused) => {}
                _ = resets.changed() => {}
            }
        });
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        Some(listener) => match listener.accept().await {
            Ok((near, _)) => near,
            Err(error) => panic!("the wire cannot accept a connection: {error}"),
        },
        None => std::future::pending().await,
    }
}

async fn carry(
    near: TcpStream,
    target: SocketAddr,
    mode: watch::Receiver<Mode>,
    carried: Arc<AtomicU64>,
    refused: mpsc::UnboundedSender<TcpStream>,
) {
    let mut waiting = mode.clone();
    if waiting
        .wait_for(|mode| *mode == Mode::Passes)
        .await
        .is_err()
    {
        return;
    }
    let far = match TcpStream::connect(target).await {
        Ok(far) => far,
        Err(error) => {
            if error.kind() == ErrorKind::ConnectionRefused {
                let _ = refused.send(near);
            }
            return;
        }
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
    mut mode: watch::Receiver<Mode>,
    carried: &AtomicU64,
) {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or(0);
        // A wire (this proxy) that swallows or holds data does not pass on the end of a connection
        // either.
        let is_decided = |mode: &Mode| match mode {
            Mode::Passes => true,
            Mode::Swallows => read > 0,
            Mode::Holds => false,
        };
        let Ok(decided) = mode.wait_for(is_decided).await.map(|mode| *mode) else {
            return;
        };
        if decided == Mode::Swallows {
            continue;
        }
        carried.fetch_add(1, Ordering::Relaxed);
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
