use std::{
    str::FromStr,
    string::{String, ToString},
};

use thiserror::Error;

use crate::NodeId;

/// A node of the cluster, and where it is to be reached, if a network needs to know.
///
/// ```
/// use elector_core::{NodeId, actor::Peer};
///
/// assert_eq!(Peer::from(3).address, None);
/// assert_eq!(Peer::from((3, "db3.internal:7100")), "3=db3.internal:7100".parse()?);
/// # Ok::<(), elector_core::actor::PeerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Who it is.
    pub id: NodeId,
    /// `host:port`; the name is looked up at every connection.
    pub address: Option<String>,
}

impl From<NodeId> for Peer {
    fn from(id: NodeId) -> Self {
        Self { id, address: None }
    }
}

impl From<u64> for Peer {
    fn from(id: u64) -> Self {
        NodeId(id).into()
    }
}

impl From<(u64, String)> for Peer {
    fn from((id, address): (u64, String)) -> Self {
        Self {
            id: NodeId(id),
            address: Some(address),
        }
    }
}

impl From<(u64, &str)> for Peer {
    fn from((id, address): (u64, &str)) -> Self {
        (id, address.to_string()).into()
    }
}

/// A text that names no peer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerError {
    /// It is not of the form.
    #[error("{0:?} names no peer: write ID=HOST:PORT, as in 1=db1.internal:7100")]
    Form(String),
    /// The part before `=` is no number.
    #[error("{0:?} is no node id: write a whole number from 0 to 18446744073709551615")]
    Id(String),
    /// The part behind `=` is no address.
    #[error("{0:?} is no address: write HOST:PORT, as in db1.internal:7100 or [::1]:7100")]
    Address(String),
}

impl FromStr for Peer {
    type Err = PeerError;

    fn from_str(text: &str) -> Result<Self, PeerError> {
        let text = text.trim();
        let (id, address) = text
            .split_once('=')
            .ok_or_else(|| PeerError::Form(text.to_string()))?;
        let id = id.trim();
        let number: u64 = id.parse().map_err(|_| PeerError::Id(id.to_string()))?;
        let address = address.trim();
        if !is_address(address) {
            return Err(PeerError::Address(address.to_string()));
        }
        Ok((number, address).into())
    }
}

/// Whether it has the form `host:port`, a port that can be connected to, and a host that is one
/// word; an IPv6 address stands in brackets, as in URLs.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let bare = match host.strip_prefix('[') {
        Some(v6) => v6.strip_suffix(']').filter(|v6| v6.contains(':')),
        None => Some(host).filter(|host| !host.contains(':')),
    };
    let is_host = bare.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace));
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A typing error in a list of peers must be named, not become a node that is never reached.
    #[test]
    fn what_names_no_peer_is_told_why() {
        let of = |text: &str| text.parse::<Peer>();
        assert_eq!(of(" 2 = [::1]:7000 "), Ok((2, "[::1]:7000").into()));
        assert!(matches!(of("2"), Err(PeerError::Form(_))));
        assert!(matches!(of("two=a:1"), Err(PeerError::Id(_))));
        assert!(matches!(of("-2=a:1"), Err(PeerError::Id(_))));
        for wrong in [
            "a", "a:", ":1", "a:0", "a:65536", "a b:1", "::1:7000", "[a]:1", "[::1:7",
        ] {
            let text = std::format!("1={wrong}");
            assert!(matches!(of(&text), Err(PeerError::Address(_))), "{wrong}");
        }
    }
}
