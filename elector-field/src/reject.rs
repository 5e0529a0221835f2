//! The answers of a firewall that rejects packets. Each answer has the address of the packet's
//! receiver as its source.

use etherparse::{
    Icmpv4Type, IpNumber, Ipv4HeaderSlice, PacketBuilder, TcpHeaderSlice,
    icmpv4::DestUnreachableHeader,
};

use crate::path::Barrier;

/// An ICMP message repeats the IPv4 header of the packet that it answers, and this many bytes after
/// the header.
const REPEATED: usize = 8;

/// The time to live (TTL) in the IPv4 header of an answer.
const TTL: u8 = 64;

/// Returns the answer that the sender of this IPv4 packet receives from the barrier; `None` if the
/// barrier gives no answer.
pub(crate) fn answer(barrier: Barrier, packet: &[u8]) -> Option<Vec<u8>> {
    match barrier {
        Barrier::Open | Barrier::Cut => None,
        Barrier::Unreachable => unreachable(packet),
        Barrier::Reset => reset(packet),
    }
}

/// Returns the TCP reset that answers this packet as if its connection did not exist (RFC 9293,
/// section 3.10.7.1).
///
/// A connection that is established on the side of the sender accepts this reset too, because the
/// reset has the sequence number that the sender expects next.
fn reset(packet: &[u8]) -> Option<Vec<u8>> {
    let ip = Ipv4HeaderSlice::from_slice(packet).ok()?;
    let whole = packet.get(ip.slice().len()..usize::from(ip.total_len()))?;
    if ip.protocol() != IpNumber::TCP {
        return None;
    }
    let tcp = TcpHeaderSlice::from_slice(whole).ok()?;
    if tcp.rst() {
        return None;
    }
    let builder = PacketBuilder::ipv4(ip.destination(), ip.source(), TTL);
    let [from, to] = [tcp.destination_port(), tcp.source_port()];
    let builder = if tcp.ack() {
        let next = tcp.acknowledgment_number();
        builder.tcp(from, to, next, 0).rst()
    } else {
        let data = whole.len().checked_sub(tcp.slice().len())?;
        let length = u32::try_from(data).ok()? + u32::from(tcp.syn()) + u32::from(tcp.fin());
        let next = tcp.sequence_number().wrapping_add(length);
        builder.tcp(from, to, 0, 0).rst().ack(next)
    };
    let mut answer = Vec::with_capacity(builder.size(0));
    builder.write(&mut answer, &[]).ok()?;
    Some(answer)
}

/// Returns the ICMP message which says that the port cannot be reached (RFC 792). An ICMP packet
/// gets no answer.
fn unreachable(packet: &[u8]) -> Option<Vec<u8>> {
    let ip = Ipv4HeaderSlice::from_slice(packet).ok()?;
    if ip.protocol() == IpNumber::ICMP {
        return None;
    }
    let repeated = packet.get(..packet.len().min(ip.slice().len() + REPEATED))?;
    let kind = Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port);
    let builder = PacketBuilder::ipv4(ip.destination(), ip.source(), TTL).icmpv4(kind);
    let mut answer = Vec::with_capacity(builder.size(repeated.len()));
    builder.write(&mut answer, repeated).ok()?;
    Some(answer)
}

#[cfg(test)]
mod tests {
    use etherparse::{Ipv4Header, SlicedPacket, TcpHeader, TransportSlice};

    use super::*;

    const ME: [u8; 4] = [10, 77, 0, 1];
    const PEER: [u8; 4] = [10, 77, 0, 2];

    /// Builds a segment from `ME` to `PEER`.
    fn segment(set: impl Fn(&mut TcpHeader), data: &[u8]) -> Vec<u8> {
        let mut tcp = TcpHeader::new(4000, 7100, 1000, 64);
        set(&mut tcp);
        let builder = PacketBuilder::ipv4(ME, PEER, 64).tcp_header(tcp);
        let mut packet = Vec::new();
        builder.write(&mut packet, data).unwrap();
        packet
    }

    /// Returns the TCP header of the answer to `packet`. Checks the addresses, lengths and
    /// checksums of the answer.
    fn answer_to(packet: &[u8]) -> TcpHeader {
        let answer = answer(Barrier::Reset, packet).expect("an answer");
        let (ip, rest) = Ipv4Header::from_slice(&answer).unwrap();
        assert_eq!((ip.source, ip.destination), (PEER, ME));
        assert_eq!(ip.header_checksum, ip.calc_header_checksum());
        assert_eq!(usize::from(ip.total_len), answer.len());
        let (tcp, data) = TcpHeader::from_slice(rest).unwrap();
        assert_eq!(tcp.checksum, tcp.calc_checksum_ipv4(&ip, data).unwrap());
        assert_eq!((tcp.source_port, tcp.destination_port), (7100, 4000));
        assert!(tcp.rst && data.is_empty());
        tcp
    }

    // For an established connection, a host ignores a reset that does not have the sequence number
    // that the host expects next (RFC 5961).
    #[test]
    fn a_reset_has_the_next_number_of_an_established_connection() {
        let set = |tcp: &mut TcpHeader| (tcp.ack, tcp.acknowledgment_number) = (true, 777);
        let tcp = answer_to(&segment(set, b"some data"));
        assert_eq!((tcp.sequence_number, tcp.ack), (777, false));
    }

    // The sender of a SYN ignores a reset that does not acknowledge the SYN.
    #[test]
    fn a_reset_acknowledges_a_syn() {
        let tcp = answer_to(&segment(|tcp| tcp.syn = true, b""));
        assert!(tcp.ack);
        assert_eq!((tcp.sequence_number, tcp.acknowledgment_number), (0, 1001));
        let set = |tcp: &mut TcpHeader| (tcp.fin, tcp.sequence_number) = (true, u32::MAX);
        assert_eq!(answer_to(&segment(set, b"abc")).acknowledgment_number, 3);
    }

    // If two firewalls answered each other's answers, they would never stop.
    #[test]
    fn an_answer_gets_no_answer() {
        assert_eq!(reset(&segment(|tcp| tcp.rst = true, b"")), None);
        let icmp = unreachable(&segment(|tcp| tcp.syn = true, b"")).unwrap();
        assert_eq!(unreachable(&icmp), None);
        assert_eq!(reset(&icmp), None);
        for barrier in [Barrier::Unreachable, Barrier::Reset] {
            assert_eq!(answer(barrier, &[0x45, 0, 0]), None);
            assert_eq!(answer(barrier, &[]), None);
        }
    }

    // From the message, the kernel of the sender must find the connection by its ports. They are in
    // the part of the packet that the message repeats.
    #[test]
    fn an_icmp_message_repeats_the_start_of_the_packet() {
        let packet = segment(|tcp| tcp.syn = true, b"");
        let answer = answer(Barrier::Unreachable, &packet).unwrap();
        let sliced = SlicedPacket::from_ip(&answer).unwrap();
        let Some(TransportSlice::Icmpv4(icmp)) = sliced.transport else {
            panic!("no ICMP: {sliced:?}");
        };
        let header = icmp.header();
        assert_eq!(
            header.checksum,
            header.icmp_type.calc_checksum(icmp.payload())
        );
        let kind = Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port);
        assert_eq!(header.icmp_type, kind);
        assert_eq!(icmp.payload(), &packet[..28]);
    }
}
