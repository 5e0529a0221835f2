use std::{
    net::{IpAddr, SocketAddr},
    sync::Mutex,
};

use crate::link::lock;

/// From where a peer may connect: what tells its connections from those of strangers before they
/// have said a word.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Where it is dialled.
    dialled: Vec<IpAddr>,
    /// From where it was let in last: it may be behind a gateway.
    came: Option<IpAddr>,
}

impl Places {
    pub(crate) fn dialled_at(&self, addresses: &[SocketAddr]) {
        let addresses = addresses.iter().map(|address| address.ip().to_canonical());
        lock(&self.0).dialled = addresses.collect();
    }

    pub(crate) fn came_from(&self, address: IpAddr) {
        lock(&self.0).came = Some(address.to_canonical());
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let known = lock(&self.0);
        known.came == Some(address) || known.dialled.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // An IPv4 peer that comes to an IPv6 socket is the same peer; one that has moved is not where
    // it was.
    #[test]
    fn a_peer_is_known_where_it_is_dialled_and_where_it_came_from() {
        let places = Places::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(!places.has(ip("10.0.0.1")));
        places.dialled_at(&[
            "10.0.0.1:1".parse().unwrap(),
            "[fd00::1]:1".parse().unwrap(),
        ]);
        for known in ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1"] {
            assert!(places.has(ip(known)), "{known}");
        }
        places.came_from(ip("::ffff:10.0.0.9"));
        assert!(places.has(ip("10.0.0.9")) && places.has(ip("10.0.0.1")));
        places.dialled_at(&["10.0.0.2:1".parse().unwrap()]);
        assert!(places.has(ip("10.0.0.2")) && !places.has(ip("10.0.0.1")));
    }
}
