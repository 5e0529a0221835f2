use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use elector_core::{ElectionAlgorithm, NodeId};

use super::{Listen, Tcp};
use crate::error::{MAX_NAME_BYTES, NetError};

/// Checks of the settings. They make no connection, and listen on no address.
impl<A: ElectionAlgorithm> Tcp<A> {
    /// Checks whether a node could be started with these settings. This method does not listen or
    /// dial, but it resolves the name to listen on.
    ///
    /// # Errors
    /// The first reason why the node `me` could not be started.
    pub async fn check(&self, me: NodeId) -> Result<(), NetError> {
        self.validate()?;
        for peer in self
            .peers
            .iter()
            .filter(|peer| !A::CHANGES_MEMBERS || peer.id != me)
        {
            self.address(peer.id)?;
        }
        match &self.listen {
            Listen::On(_) => Ok(()),
            Listen::At(address) => self.find(address).await.map(drop),
            Listen::Own => self.find(self.own_listen_address(me)?).await.map(drop),
        }
    }

    pub(super) fn own_listen_address(&self, me: NodeId) -> Result<&str, NetError> {
        let listed = self.peers.iter().any(|peer| peer.id == me);
        match self.address(me) {
            Err(_) if !listed => Err(NetError::NoListenAddress),
            address => address,
        }
    }

    pub(super) fn address(&self, node: NodeId) -> Result<&str, NetError> {
        let peer = self.peers.iter().find(|peer| peer.id == node);
        let address = peer.and_then(|peer| peer.address.as_deref());
        address.ok_or(NetError::NoAddress(node))
    }

    pub(super) fn validate(&self) -> Result<(), NetError> {
        if self.cluster.len() > MAX_NAME_BYTES {
            return Err(NetError::NameTooLong(self.cluster.len()));
        }
        if let Some(rule) = self.detection.broken_rule(&self.config) {
            return Err(NetError::Detection(rule));
        }
        let mut by_address = BTreeMap::new();
        for peer in &self.peers {
            let Some(address) = &peer.address else {
                continue;
            };
            if let Some(one) = by_address.insert(address.to_ascii_lowercase(), peer.id) {
                return Err(NetError::SameAddress {
                    one,
                    other: peer.id,
                    address: address.clone(),
                });
            }
            if let Ok(address) = address.parse::<SocketAddr>()
                && !self.is_safe(address)
            {
                let node = peer.id;
                return Err(NetError::PlaintextPeer { node, address });
            }
        }
        Ok(())
    }

    /// Resolves the address to listen on. Returns an error if plain text is not allowed on this
    /// address.
    pub(super) async fn find(&self, address: &str) -> Result<SocketAddr, NetError> {
        // `:7100` means all addresses of this machine.
        let everywhere = address.strip_prefix(':').and_then(|port| port.parse().ok());
        if let Some(port) = everywhere {
            let found = SocketAddr::new(unspecified(), port);
            return self.check_listen(found).map(|()| found);
        }
        let found = self.lookup.first(address).await;
        let found = found.map_err(|error| NetError::Unknown {
            address: address.to_owned(),
            error,
        })?;
        self.check_listen(found).map(|()| found)
    }

    pub(super) fn check_listen(&self, address: SocketAddr) -> Result<(), NetError> {
        let is_safe = self.is_safe(address);
        is_safe.then_some(()).ok_or(NetError::Plaintext(address))
    }

    /// Returns `true` if the traffic over this address is encrypted, stays on this machine, or is
    /// allowed to be plain text.
    fn is_safe(&self, address: SocketAddr) -> bool {
        self.tls.is_some() || self.plaintext || address.ip().to_canonical().is_loopback()
    }
}

/// Returns the address that stands for all addresses of this machine: of IPv6 and IPv4 together, or
/// of IPv4 if this machine has no IPv6.
fn unspecified() -> IpAddr {
    match UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) {
        Ok(_) => Ipv6Addr::UNSPECIFIED.into(),
        Err(_) => Ipv4Addr::UNSPECIFIED.into(),
    }
}
