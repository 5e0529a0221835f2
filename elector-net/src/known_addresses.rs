use std::{
    net::{IpAddr, SocketAddr},
    sync::Mutex,
};

use crate::link::lock;

/// The addresses from which this node expects a peer to connect. Before the handshake has shown
/// which process a connection belongs to, these addresses distinguish likely connections of the
/// peer from connections of unknown processes.
#[derive(Debug, Default)]
pub(crate) struct KnownAddresses(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The addresses at which this node dials the peer.
    dialled: Vec<IpAddr>,
    /// The address from which the last admitted connection of the peer came. This address can
    /// differ from `dialled` if the peer is behind a gateway.
    admitted: Option<IpAddr>,
}

impl KnownAddresses {
    pub(crate) fn set_dialled(&self, addresses: &[SocketAddr]) {
        let addresses = addresses.iter().map(|address| address.ip().to_canonical());
        lock(&self.0).dialled = addresses.collect();
    }

    pub(crate) fn set_admitted(&self, address: IpAddr) {
        lock(&self.0).admitted = Some(address.to_canonical());
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let known = lock(&self.0);
        known.admitted == Some(address) || known.dialled.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // If an IPv4 peer connects to an IPv6 socket, its address has the form `::ffff:10.0.0.1`, and
    // must be recognized. After the peer was dialled at a new address, its old address must not be
    // recognized any more.
    #[test]
    fn a_peer_is_expected_where_it_is_dialled_and_where_it_was_admitted_from() {
        let known_addresses = KnownAddresses::default();
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(!known_addresses.contains(ip("10.0.0.1")));
        known_addresses.set_dialled(&[
            "10.0.0.1:1".parse().unwrap(),
            "[fd00::1]:1".parse().unwrap(),
        ]);
        for known in ["10.0.0.1", "::ffff:10.0.0.1", "fd00::1"] {
            assert!(known_addresses.contains(ip(known)), "{known}");
        }
        known_addresses.set_admitted(ip("::ffff:10.0.0.9"));
        assert!(known_addresses.contains(ip("10.0.0.9")));
        assert!(known_addresses.contains(ip("10.0.0.1")));
        known_addresses.set_dialled(&["10.0.0.2:1".parse().unwrap()]);
        assert!(known_addresses.contains(ip("10.0.0.2")));
        assert!(!known_addresses.contains(ip("10.0.0.1")));
    }
}
