use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

type Find = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The function that looks up the addresses of a host name. A clone is cheap.
#[derive(Clone)]
pub(crate) struct Lookup(Arc<Find>);

/// The result of one lookup.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) found: io::Result<Vec<SocketAddr>>,
    pub(super) took: Duration,
    /// When the answer arrived.
    pub(super) at: Instant,
}

impl Lookup {
    pub(crate) fn new(
        find: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(find))
    }

    /// Returns the first address of `name`. If `name` is itself an address, returns this address.
    ///
    /// # Errors
    /// If the lookup fails, or finds no address.
    pub(crate) async fn first(&self, name: &str) -> io::Result<SocketAddr> {
        if let Ok(address) = name.parse() {
            return Ok(address);
        }
        let answer = self.begin(name).await?;
        answer.found?.first().copied().ok_or_else(no_address)
    }

    /// Begins to look up a name in the background. A lookup takes seconds if a name server does not
    /// answer.
    pub(super) fn begin(&self, name: &str) -> JoinHandle<Answer> {
        let (find, name) = (Arc::clone(&self.0), name.to_owned());
        tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let found = find(&name);
            let at = Instant::now();
            Answer {
                found,
                took: at.duration_since(begun),
                at,
            }
        })
    }
}

/// Returns the error for a name without addresses.
pub(super) fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

impl Default for Lookup {
    /// Uses the resolver of the operating system.
    fn default() -> Self {
        Self::new(|name| Ok(name.to_socket_addrs()?.collect()))
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookup").finish_non_exhaustive()
    }
}
