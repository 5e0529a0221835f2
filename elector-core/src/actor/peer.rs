use std::{
    str::FromStr,
    string::{String, ToString},
};

use thiserror::Error;

use crate::{NodeId, debug_as_text};

/// A node of the cluster, and its address if a network needs one.
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
    /// The id of the node.
    pub id: NodeId,
    /// The address `host:port`. The host name is looked up again for every connection.
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

/// Why a text does not name a peer.
#[derive(Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PeerError {
    /// The text does not have the form of a peer.
    #[error("{0:?} is not a peer: write ID=HOST:PORT, as in 1=db1.internal:7100")]
    Form(String),
    /// The part before `=` is not a number.
    #[error("{0:?} is not a node id: write a whole number from 0 to 18446744073709551615")]
    Id(String),
    /// The part after `=` is not an address.
    #[error("{0:?} is not an address: write HOST:PORT, as in db1.internal:7100 or [::1]:7100")]
    Address(String),
}

debug_as_text!(PeerError);

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

/// Returns `true` for a text of the form `host:port`, with a port above zero and a host without
/// spaces. An IPv6 address is in brackets, as in URLs.
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

    // A typing error in a list of peers must be reported. Otherwise the node would have a peer that
    // it never reaches.
    #[test]
    fn errors_name_the_wrong_part_of_a_peer() {
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
