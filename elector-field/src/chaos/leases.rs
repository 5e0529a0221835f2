use std::collections::BTreeMap;

/// Who holds a leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holder {
    pub(super) epoch: u64,
    pub(super) node: u64,
    /// Which run of the node's process.
    pub(super) instance: u64,
}

/// What is known for certain of when leaderships were held, from the answers of nodes.
///
/// A node that answers that it holds its leadership (`holds_leadership`: it leads, and its lease
/// runs) has looked at its clock at one moment between the request and its answer. So the first
/// such moment of one process in one epoch was at the latest when it answered first, and the last
/// one at the earliest when it was asked last. All between them is taken for held. If the lease
/// was interrupted there, no other node may have held one: voters that have elected another do not
/// go back to the epoch before, and the lease could not have been taken up again.
///
/// # What it finds
///
/// Two leaderships of which neither can have been over before the other began, whenever within
/// their requests the nodes looked; and two nodes that held leaderships of one epoch, at any time.
/// What it finds is an overlap for certain, however late requests and answers were.
///
/// # What it cannot see
///
/// An overlap that is shorter than the time between two questions on either side; and whatever a
/// node holds while it is stopped, waits for its disk, or gets no processor, as it does not answer
/// then. That the rest of such a lease ran out before another node acted is what the lock of the
/// commands shows. What `lease_remaining_ms` promises is not taken for held: a node may give up
/// its lease, and end, at any moment after its answer.
#[derive(Debug, Default)]
pub(super) struct Leases(BTreeMap<Holder, Span>);

/// In nanoseconds. Of a leadership that was seen once, `from` is the later one.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u64,
    until: u64,
}

impl Leases {
    /// The node was asked and answered at these times, and held its leadership.
    pub(super) fn saw(&mut self, holder: Holder, asked: u64, answered: u64) {
        let span = self.0.entry(holder).or_insert(Span {
            from: answered,
            until: asked,
        });
        span.from = span.from.min(answered);
        span.until = span.until.max(asked);
    }

    /// How many leaderships were seen.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Each overlap, in words.
    pub(super) fn overlaps(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (place, (one, span)) in self.0.iter().enumerate() {
            for (other, second) in self.0.iter().skip(place + 1) {
                let both = span.until.min(second.until);
                let overlap = both.checked_sub(span.from.max(second.from));
                if overlap.is_some() || meet(*span, *second) {
                    let overlap = overlap.unwrap_or_default();
                    found.push(format!(
                        "two leases at once, for {overlap} ns or more: {one:?} {span:?}, and \
                         {other:?} {second:?}"
                    ));
                } else if one.epoch == other.epoch && one.node != other.node {
                    found.push(format!(
                        "two nodes held the leadership of one epoch: {one:?} {span:?}, and \
                         {other:?} {second:?}"
                    ));
                }
            }
        }
        found
    }
}

/// Whether neither can have been over before the other began.
fn meet(one: Span, other: Span) -> bool {
    one.until >= other.from && other.until >= one.from
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn holder(epoch: u64, node: u64) -> Holder {
        Holder {
            epoch,
            node,
            instance: node,
        }
    }

    fn found(answers: &[(Holder, u64, u64)]) -> Vec<String> {
        let mut leases = Leases::default();
        for &(holder, asked, answered) in answers {
            leases.saw(holder, asked, answered);
        }
        leases.overlaps()
    }

    const A: Holder = holder(1, 1);
    const B: Holder = holder(2, 2);

    // A checker that complains of what is sound would be switched off.
    #[test]
    fn leases_one_after_the_other_are_sound() {
        // The node may have looked at its clock at any moment until it answered.
        let before = (A, 100, 110);
        assert_eq!(found(&[before, (A, 200, 210), (B, 205, 220)]), [""; 0]);
        assert_eq!(found(&[before, (A, 200, 900), (B, 205, 220)]), [""; 0]);
        assert_eq!(found(&[before, (B, 105, 120), (B, 300, 310)]), [""; 0]);
        // A node that was elected again, and its process of before.
        let again = Holder { epoch: 3, ..A };
        assert_eq!(found(&[before, (B, 300, 310), (again, 400, 410)]), [""; 0]);
        assert_eq!(found(&[]), [""; 0]);
    }

    // A checker that has gone blind would pass two leaders.
    #[test]
    fn each_overlap_is_found() {
        let [first, last] = [(A, 100, 110), (A, 200, 210)];
        for others in [
            // Within, seen once and twice; across the end; around it.
            &[(B, 150, 160)][..],
            &[(B, 130, 140), (B, 180, 185)],
            &[(B, 190, 195), (B, 300, 310)],
            &[(B, 50, 60), (B, 300, 310)],
            &[(B, 110, 200)],
            // By the same node, which has been started again.
            &[(Holder { instance: 9, ..A }, 150, 160)],
        ] {
            let all = [&[first, last], others].concat();
            let found = found(&all);
            assert!(
                found.len() == 1 && found[0].contains("at once"),
                "{found:?}"
            );
        }
    }

    // It is no overlap in time, and may not be all the same.
    #[test]
    fn two_leaders_of_one_epoch_are_found() {
        let found = found(&[(A, 100, 110), (holder(1, 2), 300, 310)]);
        assert!(
            found.len() == 1 && found[0].contains("one epoch"),
            "{found:?}"
        );
    }
}
