use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

type Find = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// How names are looked up. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lookup(Arc<Find>);

/// What a lookup gave.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) found: io::Result<Vec<SocketAddr>>,
    pub(super) took: Duration,
    pub(super) at: Instant,
}

impl Lookup {
    pub(crate) fn new(
        find: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(find))
    }

    /// The first address of `name`, which may be an address itself.
    ///
    /// # Errors
    /// If the lookup fails, or finds nothing.
    pub(crate) async fn first(&self, name: &str) -> io::Result<SocketAddr> {
        if let Ok(address) = name.parse() {
            return Ok(address);
        }
        let told = self.begin(name).await?;
        told.found?.first().copied().ok_or_else(nothing)
    }

    /// Begins to look up a name in the background: that takes seconds where a name server does not
    /// answer.
    pub(super) fn begin(&self, name: &str) -> JoinHandle<Told> {
        let (find, name) = (Arc::clone(&self.0), name.to_owned());
        tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let found = find(&name);
            let at = Instant::now();
            Told {
                found,
                took: at.duration_since(begun),
                at,
            }
        })
    }
}

/// A name without addresses.
pub(super) fn nothing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

impl Default for Lookup {
    /// As the operating system does.
    fn default() -> Self {
        Self::new(|name| Ok(name.to_socket_addrs()?.collect()))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}
