//! What may be known from outside of one node, over all of its lives.

use std::{
    collections::{BTreeMap, VecDeque},
    marker::PhantomData,
};

use elector_core::{
    ElectionAlgorithm, Epoch, Guarantee, GuaranteeKind, Membership, Message as _, NodeId, Outgoing,
    Pledge, Role, Step, View,
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
    view: View,
    /// The last pledge of each epoch.
    pledges: BTreeMap<Epoch, Pledge>,
    /// The newest epoch that the node was seen to lead.
    led: Option<Epoch>,
    /// The last messages, the newest first.
    heard: VecDeque<(NodeId, Vec<u8>)>,
    of: PhantomData<A>,
}

impl<A: ElectionAlgorithm> Observer<A> {
    /// Has seen no more than this view.
    #[must_use]
    pub fn new(members: Membership, view: View) -> Self {
        Self {
            members,
            view,
            pledges: BTreeMap::new(),
            led: None,
            heard: VecDeque::new(),
            of: PhantomData,
        }
    }

    /// The step may be seen.
    ///
    /// # Panics
    /// If a promise is broken by what is seen.
    pub fn sees(&mut self, step: &Step<A>) {
        for sent in &step.sends {
            self.sees_message(sent);
        }
        if let Some(view) = step.view {
            self.sees_view(view);
        }
    }

    /// The node has crashed and come back, with this view.
    ///
    /// # Panics
    /// If it has forgotten an epoch that it has shown.
    pub fn sees_restart(&mut self, view: View) {
        let before = std::mem::replace(&mut self.view, view);
        assert!(
            view.epoch >= before.epoch,
            "{before:?} was seen, and {view:?} after a crash"
        );
        assert_ne!(view.role, Role::Leader, "nobody has told it to lead");
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

    fn sees_message(&mut self, sent: &Outgoing<A::Message>) {
        assert!(self.is_peer(sent.to), "sent to {:?}, no peer", sent.to);
        let bytes = round_trip(&sent.message);
        assert!(bytes.len() < MOST_FRAME, "too long to be sent");
        // A frame's first byte says that it carries a message.
        let body = [&[0][..], &bytes].concat();
        assert!(frame::<A::Message>(&body).is_some_and(|frame| frame[4..] == body));
        self.heard.truncate(MOST_HEARD - 1);
        self.heard.push_front((sent.to, bytes));
        let Some(pledge) = sent.message.pledge(sent.to) else {
            return;
        };
        let before = self.pledges.get(&pledge.epoch).copied();
        match before.map_or(Some(pledge), |before| before.then(pledge)) {
            Some(bound) => _ = self.pledges.insert(pledge.epoch, bound),
            None => panic!("{before:?} was pledged, and then {pledge:?}"),
        }
    }

    fn sees_view(&mut self, view: View) {
        let before = std::mem::replace(&mut self.view, view);
        assert!(
            view.epoch >= before.epoch,
            "{before:?} was seen, and then {view:?}"
        );
        if view.role != Role::Leader || A::Guarantee::KIND == GuaranteeKind::BestEffort {
            return;
        }
        let leads_on = before.role == Role::Leader && before.epoch == view.epoch;
        assert!(
            leads_on || self.led < Some(view.epoch),
            "led {:?}, then {before:?}, and leads again: {view:?}",
            self.led
        );
        self.led = Some(view.epoch);
    }

    fn is_peer(&self, node: NodeId) -> bool {
        node != self.members.me() && self.members.contains(node)
    }
}
