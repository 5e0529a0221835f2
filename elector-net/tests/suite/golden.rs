//! Tests of the bytes of every message and of every durable state. Nodes of different releases
//! exchange messages, and a new release reads the record that an old release has written. So these
//! bytes must never change, and new messages may only be added. An intended change needs a new
//! version of the protocol and a new format of the record.

use std::fmt::{Debug, Write};

use elector_bully::{BullyDurable, BullyMessage};
use elector_core::{Epoch, Moment, NodeId};
use elector_paxos::{Ballot, PaxosDurable, PaxosMessage, Proposal};
use elector_raft::{LogPosition, RaftDurable, RaftMessage};
use elector_ring::{Course, RingDurable, RingMessage, Serial, Token, TokenBody, TokenId, Way};
use serde::{Serialize, de::DeserializeOwned};

/// A large epoch, so that its encoding needs more than one byte.
const EPOCH: Epoch = Epoch(300);
const SENT: Moment = Moment::from_nanos(1_000_000);

#[track_caller]
fn golden<T>(value: &T, bytes: &str)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let written = postcard::to_stdvec(value).unwrap();
    let mut hex = String::new();
    for byte in &written {
        write!(hex, "{byte:02x}").unwrap();
    }
    assert_eq!(hex, bytes, "{value:?}");
    assert_eq!(&postcard::from_bytes::<T>(&written).unwrap(), value);
}

// If a node of another release read a vote as another message, two leaders could be elected.
#[test]
fn raft() {
    let last_log = LogPosition {
        term: Epoch(2),
        index: 3,
    };
    let (term, sent) = (EPOCH, SENT);
    golden(
        &RaftMessage::RequestPreVote {
            next_term: term,
            last_log,
        },
        "00ac020203",
    );
    let pre_vote = RaftMessage::PreVote {
        term,
        next_term: Epoch(301),
        granted: true,
    };
    golden(&pre_vote, "01ac02ad0201");
    let request = RaftMessage::RequestVote {
        term,
        last_log,
        transfer: true,
    };
    golden(&request, "02ac02020301");
    golden(
        &RaftMessage::Vote {
            term,
            granted: false,
        },
        "03ac0200",
    );
    let heartbeat = RaftMessage::Heartbeat {
        term,
        sent,
        announce: true,
    };
    golden(&heartbeat, "04ac02c0843d01");
    golden(&RaftMessage::HeartbeatAck { term, sent }, "05ac02c0843d");
    golden(&RaftMessage::TimeoutNow { term }, "06ac02");
    let durable = RaftDurable {
        term,
        voted_for: Some(NodeId(7)),
        last_log,
    };
    golden(&durable, "ac0201070203");
    golden(&RaftDurable::default(), "00000000");
}

// If a node of another release read a promise as another message, two values could be decided: two
// leaders in one epoch.
#[test]
fn paxos() {
    let (epoch, sent, leader) = (EPOCH, SENT, NodeId(4));
    let ballot = Ballot {
        counter: 5,
        node: NodeId(6),
    };
    let proposal = Proposal {
        ballot,
        value: NodeId(7),
    };
    let prepare = PaxosMessage::Prepare {
        epoch,
        ballot,
        handover: true,
    };
    golden(&prepare, "00ac02050601");
    let promise = PaxosMessage::Promise {
        epoch,
        ballot,
        accepted: Some(proposal),
    };
    golden(&promise, "01ac02050601050607");
    let reject = PaxosMessage::Reject {
        ballot,
        epoch,
        leader: Some(leader),
        instance: Epoch(301),
        promised: None,
    };
    golden(&reject, "020506ac020104ad0200");
    golden(&PaxosMessage::Accept { epoch, proposal }, "03ac02050607");
    golden(&PaxosMessage::Accepted { epoch, proposal }, "04ac02050607");
    golden(
        &PaxosMessage::Learn {
            epoch,
            leader,
            sent,
        },
        "05ac0204c0843d",
    );
    golden(&PaxosMessage::Heartbeat { epoch, sent }, "06ac02c0843d");
    golden(&PaxosMessage::HeartbeatAck { epoch, sent }, "07ac02c0843d");
    golden(&PaxosMessage::Handover { epoch }, "08ac02");
    let durable = PaxosDurable {
        epoch,
        instance: Epoch(301),
        promised: Some(ballot),
        accepted: Some(proposal),
        counter: 9,
    };
    golden(&durable, "ac02ad020105060105060709");
    golden(&PaxosDurable::default(), "0000000000");
}

// A node announces with the message `Coordinator` that it leads. If a node of another release could
// not read this message, elections would never end.
#[test]
fn bully() {
    let (epoch, appointed) = (EPOCH, true);
    golden(&BullyMessage::Election { epoch }, "00ac02");
    golden(&BullyMessage::Answer { epoch }, "01ac02");
    golden(&BullyMessage::Coordinator { epoch, appointed }, "02ac0201");
    golden(&BullyMessage::Heartbeat { epoch, appointed }, "03ac0201");
    golden(&BullyMessage::Handover { epoch, appointed }, "04ac0201");
    golden(&BullyMessage::Outdated { epoch }, "05ac02");
    let durable = BullyDurable {
        epoch,
        coordinator: Some(NodeId(7)),
    };
    golden(&durable, "ac020107");
    golden(&BullyDurable::default(), "0000");
}

// The nodes pass tokens around the ring. If a node of another release misread a token, the token
// would go round for ever or would be lost.
#[test]
fn ring() {
    let (origin, epoch) = (NodeId(3), EPOCH);
    let serial = Serial { life: 4, count: 5 };
    let token = |body| {
        RingMessage::Token(Token {
            origin,
            serial,
            epoch,
            left: 6,
            body,
        })
    };
    let ids = vec![NodeId(1), NodeId(2)];
    golden(&token(TokenBody::Gather { ids }), "00030405ac020600020102");
    golden(&token(TokenBody::Contend), "00030405ac020601");
    golden(
        &token(TokenBody::Coordinator { leader: origin }),
        "00030405ac02060203",
    );
    let (level, way) = (2, Way::Backward);
    golden(
        &token(TokenBody::Probe { level, way }),
        "00030405ac0206030201",
    );
    golden(
        &token(TokenBody::Reply {
            level,
            way: Way::Onward,
        }),
        "00030405ac0206040200",
    );
    for (course, bytes) in [
        (Course::Election, "0103000405"),
        (Course::Coordinator, "0103010405"),
        (Course::Probe(Way::Onward), "010302000405"),
        (Course::Reply(Way::Backward), "010303010405"),
    ] {
        let token = TokenId {
            origin,
            course,
            serial,
        };
        golden(&RingMessage::HopAck { token }, bytes);
    }
    golden(
        &RingMessage::Heartbeat {
            epoch,
            settled: true,
        },
        "02ac0201",
    );
    golden(&RingMessage::Handover { epoch }, "03ac02");
    golden(&RingMessage::Present { ask: true }, "0401");
    golden(&RingDurable { epoch, life: 8 }, "ac0208");
    golden(&RingDurable::default(), "0000");
}
