//! Checks what one node shows to the outside, from its first start on and across crashes.

use std::{collections::VecDeque, marker::PhantomData};

use elector_core::{
    ElectionAlgorithm, Guarantee, Membership, Message as _, NodeId, Outgoing, Role, View,
    invariants::{History, InvariantViolation},
};
use elector_net::fuzzing::{MAX_FRAME, frame};

use crate::{draw::Draw, round_trip};

/// How many messages of the node are kept, so that peers can answer them.
const MAX_SENT: usize = 8;

/// The largest number of message kinds of an algorithm.
const MAX_KINDS: usize = 9;

/// Checks everything that a node shows to the outside, and keeps what it has seen across crashes of
/// the node.
#[derive(Debug)]
pub struct Observer<A> {
    members: Membership,
    history: History,
    /// The last messages that the node has sent, the newest first.
    sent: VecDeque<(NodeId, Vec<u8>)>,
    of: PhantomData<A>,
}

impl<A: ElectionAlgorithm> Observer<A> {
    /// Creates an observer of a node that has published only this view so far.
    #[must_use]
    pub fn new(members: Membership, view: View) -> Self {
        let mut observer = Self {
            members,
            history: History::new(A::Guarantee::KIND),
            sent: VecDeque::new(),
            of: PhantomData,
        };
        observer.sees_view(view);
        observer
    }

    /// Records that the node has crashed and has restarted with this view.
    ///
    /// # Panics
    /// Panics if the view violates an invariant: for example, if its epoch is older than the epoch
    /// of an earlier view, or if the node leads.
    pub fn sees_restart(&mut self, view: View) {
        self.history.ended(self.members.me());
        self.sees_view(view);
        assert_ne!(
            view.role,
            Role::Leader,
            "a restarted node leads without any input"
        );
    }

    /// Draws an answer of a peer to a message that the node has sent: a message of any kind that
    /// begins with the same fields. Real answers have this form, and it is unlikely that the fuzzer
    /// finds one without this help.
    pub fn answer(&self, draw: &mut Draw<'_>) -> Option<(NodeId, A::Message)> {
        let (from, bytes) = self.sent.get(draw.below(MAX_SENT))?;
        // In the format of postcard, only the last byte of a number is below 128. A value of one
        // byte, such as a flag, is below 128, too. So a field ends at each byte below 128.
        let fields: Vec<&[u8]> = bytes[1..].split_inclusive(|&byte| byte < 128).collect();
        let mut answer = vec![u8::try_from(draw.below(MAX_KINDS)).ok()?];
        answer.extend(fields[..draw.below(fields.len() + 1)].concat());
        for _ in 0..3 {
            let number = if draw.flag() {
                draw.number()
            } else {
                u64::from(draw.flag())
            };
            answer = postcard::to_extend(&number, answer).ok()?;
        }
        let (message, _) = postcard::take_from_bytes(&answer).ok()?;
        Some((*from, message))
    }

    /// Checks a message that the node sends, and keeps it so that peers can answer it.
    ///
    /// # Panics
    /// Panics if the message violates an invariant.
    pub fn sees_message(&mut self, sent: &Outgoing<A::Message>) {
        assert!(
            self.members.has_peer(sent.to),
            "the node sent to {:?}, which is no peer",
            sent.to
        );
        let bytes = round_trip(&sent.message);
        assert!(
            bytes.len() < MAX_FRAME,
            "the message is too long to be sent"
        );
        // The first byte of the body of a frame is the kind of the frame: 0 stands for a message.
        let body = [&[0][..], &bytes].concat();
        assert!(frame::<A::Message>(&body).is_some_and(|frame| frame[4..] == body));
        self.sent.truncate(MAX_SENT - 1);
        self.sent.push_front((sent.to, bytes));
        if let Some(pledge) = sent.message.pledge(sent.to) {
            assert_no_violation(self.history.pledged(self.members.me(), pledge));
        }
    }

    /// Checks a view that the node publishes.
    ///
    /// # Panics
    /// Panics if the view violates an invariant.
    pub fn sees_view(&mut self, view: View) {
        let me = self.members.me();
        // The fuzzer may let peers send wrong claims about the leader, and a restarted node does
        // not remember their messages. So two views of this node can name different leaders of one
        // epoch without a fault. Only the node's own leadership is checked.
        let leader = view.leader.filter(|&leader| leader == me);
        assert_no_violation(self.history.viewed(me, View { leader, ..view }));
    }
}

fn assert_no_violation(mut violations: impl Iterator<Item = InvariantViolation>) {
    if let Some(violation) = violations.next() {
        panic!("{}: {violation}", violation.invariant());
    }
}
