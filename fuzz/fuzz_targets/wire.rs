//! Decodes any bytes, as peers and unknown peers may send them. The decoder must accept or reject
//! all bytes, and must not panic. A decoded value, when it is encoded again, must not be longer
//! than the bytes from which it was decoded, and must be decoded as the same value.

#![no_main]

use elector_bully::BullyMessage;
use elector_fuzz::draw::Draw;
use elector_net::fuzzing::{Incoming, MAX_FRAME, MAX_HANDSHAKE, answer, frame, greeting, hello};
use elector_paxos::PaxosMessage;
use elector_raft::RaftMessage;
use elector_ring::RingMessage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&what, bytes)) = bytes.split_first() else {
        return;
    };
    match what % 8 {
        0 => read_greeting(bytes),
        1 => read_hello(bytes),
        2 => read_answer(bytes),
        3 => read_frames(bytes),
        4 => read_frame::<RaftMessage>(bytes),
        5 => read_frame::<PaxosMessage>(bytes),
        6 => read_frame::<BullyMessage>(bytes),
        _ => read_frame::<RingMessage>(bytes),
    }
});

fn read_greeting(bytes: &[u8]) {
    if let Some(again) = greeting(bytes) {
        assert_eq!(again, bytes);
    }
}

fn read_hello(bytes: &[u8]) {
    // `number` is the number of the connection, which a hello (a message of the handshake) must
    // repeat. It is taken from the hello if possible, because a drawn number would seldom be equal
    // to the number in the hello.
    let mut draw = Draw::new(bytes);
    let number = bytes.get(8..16).and_then(|number| number.try_into().ok());
    let number = number.map_or_else(|| draw.number(), u64::from_be_bytes);
    match hello(bytes, number) {
        Ok(again) => {
            assert!(again.len() <= bytes.len());
            if !again.is_empty() {
                assert!(again.len() <= MAX_HANDSHAKE);
                assert_eq!(hello(&again, number), Ok(again.clone()));
                assert!(hello(&longer(&again), number).is_err());
                let rejected = hello(&again, number.wrapping_add(1));
                read_answer(&rejected.expect_err("the hello is of another connection"));
            }
        }
        Err(rejection) => {
            assert!(rejection.len() <= MAX_HANDSHAKE);
            assert!(answer(&rejection).is_some_and(|(again, _)| again == rejection));
        }
    }
}

fn read_answer(bytes: &[u8]) {
    if let Some((again, logged)) = answer(bytes) {
        assert!(again.len() <= bytes.len());
        assert!(!logged.chars().any(char::is_control), "{logged:?}");
        assert_eq!(answer(&again), Some((again.clone(), logged)));
        assert_eq!(answer(&longer(&again)), None);
    }
}

fn read_frame<M: elector_core::Message>(bytes: &[u8]) {
    let Some(again) = frame::<M>(bytes) else {
        return;
    };
    assert!(
        again.len() <= bytes.len() + 4,
        "only the length of 4 bytes may be added"
    );
    assert_eq!(frame::<M>(&again[4..]), Some(again.clone()));
    assert_eq!(frame::<M>(&longer(&again[4..])), None);
    let (bodies, is_open) = Incoming::new(MAX_FRAME).feed(&again);
    assert!(is_open && bodies == [&again[4..]]);
}

/// Decodes frames that arrive in pieces of any length, as TCP delivers them.
fn read_frames(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let max_length = [9, MAX_HANDSHAKE, MAX_FRAME][draw.below(3)];
    let bytes = draw.rest();
    let whole = Incoming::new(max_length).feed(bytes);
    let (mut pieces, mut left) = (Incoming::new(max_length), bytes);
    let (mut bodies, mut is_open) = (Vec::new(), true);
    while is_open && !left.is_empty() {
        // The first byte of a piece also gives the length of the piece. A separate byte for the
        // length would add nothing.
        let length = usize::from(left[0] % 16).clamp(1, left.len());
        let (piece, rest) = left.split_at(length);
        let (more, open) = pieces.feed(piece);
        bodies.extend(more);
        (left, is_open) = (rest, open);
        // The buffer grows by doubling its size. So it holds at most twice a frame of the maximum
        // length, with the 4 bytes of its length.
        assert!(pieces.held() <= 2 * (max_length + 4) + bytes.len());
    }
    assert_eq!((&bodies, is_open), (&whole.0, whole.1));
    assert!(bodies.iter().all(|body| body.len() <= max_length));
    for body in &bodies {
        read_frame::<RaftMessage>(body);
    }
}

/// Returns the bytes with one more byte at the end. A decoder must not accept them as the same
/// message.
fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}
