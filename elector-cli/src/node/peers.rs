use elector_net::{Monitor, http::PeerStatus};

/// The peers, as `/v1/status` tells of them.
pub(crate) fn statuses(monitor: &Monitor) -> Vec<PeerStatus> {
    let peers = monitor.peers().into_iter();
    let statuses = peers.map(|peer| {
        let rtt = peer
            .round_trip
            .map(|rtt| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX));
        let mut status = PeerStatus::new(peer.node, peer.speaking && peer.hearing);
        status.address = Some(peer.address);
        status.rtt_us = rtt;
        status
    });
    statuses.collect()
}
