//! What may be known from outside of one node, over all of its lives.

use std::{collections::VecDeque, marker::PhantomData};

use elector_core::{
    ElectionAlgorithm, Guarantee, Membership, Message as _, NodeId, Outgoing, Role, View,
    invariants::{History, InvariantViolation},
};
use elector_net::fuzzing::{MOST_FRAME, frame};

use crate::{draw::Draw, round_trip};

/// How many messages peers answer to.
const MOST_HEARD: usize = 8;

/// How many kinds of messages an algorithm has.
const MOST_KINDS: usize = 9;

/// Sees what a node shows once it may be seen, and remembers it when the node does not.
#[derive(Debug)]
pub struct Observer<A> {
    members: Membership,
    history: History,
    /// The last messages, the newest first.
    heard: VecDeque<(NodeId, Vec<u8>)>,
    of: PhantomData<A>,
}

impl<A: ElectionAlgorithm> Observer<A> {
    /// Has seen no more than this view.
    #[must_use]
    pub fn new(members: Membership, view: View) -> Self {
        let mut observer = Self {
            members,
            history: History::new(A::Guarantee::KIND),
            heard: VecDeque::new(),
            of: PhantomData,
        };
        observer.sees_view(view);
        observer
    }

    /// The node has crashed and come back, with this view.
    ///
    /// # Panics
    /// If it has forgotten an epoch that it has shown.
    pub fn sees_restart(&mut self, view: View) {
        self.history.ended(self.members.me());
        self.sees_view(view);
        assert_ne!(view.role, Role::Leader, "no input has made it lead");
    }

    /// What a peer may say to a message that the node has sent: one of another kind that begins
    /// with the same fields. Answers are of this form, and would otherwise be met by chance alone.
    pub fn answer(&self, draw: &mut Draw<'_>) -> Option<(NodeId, A::Message)> {
        let (from, bytes) = self.heard.get(draw.below(MOST_HEARD))?;
        // The last byte of a number in postcard is below 128, and so is all that is one byte.
        let fields: Vec<&[u8]> = bytes[1..].split_inclusive(|&byte| byte < 128).collect();
        let mut said = vec![u8::try_from(draw.below(MOST_KINDS)).ok()?];
        said.extend(fields[..draw.below(fields.len() + 1)].concat());
        for _ in 0..3 {
            let number = if draw.flag() {
                draw.number()
            } else {
                u64::from(draw.flag())
            };
            said = postcard::to_extend(&number, said).ok()?;
        }
        let (message, _) = postcard::take_from_bytes(&said).ok()?;
        Some((*from, message))
    }

    /// A message may be seen.
    ///
    /// # Panics
    /// If a promise is broken by it.
    pub fn sees_message(&mut self, sent: &Outgoing<A::Message>) {
        assert!(
            self.members.has_peer(sent.to),
            "sent to {:?}, no peer",
            sent.to
        );
        let bytes = round_trip(&sent.message);
        assert!(bytes.len() < MOST_FRAME, "too long to be sent");
        // A frame's first byte says that it carries a message.
        let body = [&[0][..], &bytes].concat();
        assert!(frame::<A::Message>(&body).is_some_and(|frame| frame[4..] == body));
        self.heard.truncate(MOST_HEARD - 1);
        self.heard.push_front((sent.to, bytes));
        if let Some(pledge) = sent.message.pledge(sent.to) {
            holds(self.history.pledged(self.members.me(), pledge));
        }
    }

    /// A view may be seen.
    ///
    /// # Panics
    /// If a promise is broken by it.
    pub fn sees_view(&mut self, view: View) {
        let me = self.members.me();
        // Peers may lie about who leads, and a restarted node does not remember what they said.
        let leader = view.leader.filter(|&leader| leader == me);
        holds(self.history.viewed(me, View { leader, ..view }));
    }
}

fn holds(mut breaches: impl Iterator<Item = InvariantViolation>) {
    if let Some(breach) = breaches.next() {
        panic!("{}: {breach}", breach.invariant());
    }
}
