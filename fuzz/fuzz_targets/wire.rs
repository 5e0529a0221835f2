//! What strangers and peers send: whatever it is, it is read or refused; and what was understood is
//! no longer than what was sent, and is understood in the same way again.

#![no_main]

use elector_bully::BullyMessage;
use elector_fuzz::draw::Draw;
use elector_net::fuzzing::{Incoming, MOST_FRAME, MOST_HANDSHAKE, answer, frame, greeting, hello};
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
    // The number of this connection. Where the hello has it, mostly: drawn, it would seldom match.
    let mut draw = Draw::new(bytes);
    let number = bytes.get(8..16).and_then(|number| number.try_into().ok());
    let number = number.map_or_else(|| draw.number(), u64::from_be_bytes);
    match hello(bytes, number) {
        Ok(again) => {
            assert!(again.len() <= bytes.len());
            if !again.is_empty() {
                assert!(again.len() <= MOST_HANDSHAKE);
                assert_eq!(hello(&again, number), Ok(again.clone()));
                assert!(hello(&longer(&again), number).is_err());
                let refused = hello(&again, number.wrapping_add(1));
                read_answer(&refused.expect_err("it is of another connection"));
            }
        }
        Err(refused) => {
            assert!(refused.len() <= MOST_HANDSHAKE);
            assert!(answer(&refused).is_some_and(|(again, _)| again == refused));
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
    assert!(again.len() <= bytes.len() + 4, "the length is in front");
    assert_eq!(frame::<M>(&again[4..]), Some(again.clone()));
    assert_eq!(frame::<M>(&longer(&again[4..])), None);
    let (bodies, goes_on) = Incoming::new(MOST_FRAME).feed(&again);
    assert!(goes_on && bodies == [&again[4..]]);
}

/// In pieces of any length, as TCP delivers them.
fn read_frames(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let most = [9, MOST_HANDSHAKE, MOST_FRAME][draw.below(3)];
    let bytes = draw.rest();
    let whole = Incoming::new(most).feed(bytes);
    let (mut pieces, mut left) = (Incoming::new(most), bytes);
    let (mut bodies, mut goes_on) = (Vec::new(), true);
    while goes_on && !left.is_empty() {
        // How long a piece is, it says itself: no other byte would be worth more.
        let length = usize::from(left[0] % 16).clamp(1, left.len());
        let (piece, rest) = left.split_at(length);
        let (more, open) = pieces.feed(piece);
        bodies.extend(more);
        (left, goes_on) = (rest, open);
        // A buffer grows to twice its size at the most.
        assert!(pieces.held() <= 2 * (most + 4) + bytes.len());
    }
    assert_eq!((&bodies, goes_on), (&whole.0, whole.1));
    assert!(bodies.iter().all(|body| body.len() <= most));
    for body in &bodies {
        read_frame::<RaftMessage>(body);
    }
}

/// With a byte too many: whoever sends it means something else.
fn longer(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}
