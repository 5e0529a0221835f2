use std::collections::BTreeMap;

/// The process that holds a leadership, and the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holder {
    pub(super) epoch: u64,
    pub(super) node: u64,
    /// The life of the node, as its status reports it.
    pub(super) instance: u64,
}

/// The times at which leaderships were certainly held, from the answers of nodes.
///
/// A node that answers `holds_leadership: true` (it leads, and its lease is valid) has read its
/// clock at one moment between the request and the answer. So the first such moment of one process
/// in one epoch is not later than its first answer, and the last one is not earlier than the last
/// request. The process counts as holder for the whole time between these two. This is correct even
/// if its lease was interrupted in between, because no other node may have held a lease in the
/// interruption: voters that have elected another leader do not return to the epoch before, so the
/// lease could not have been renewed.
///
/// # What it finds
///
/// - Two leaderships, neither of which can have ended before the other began. This holds for every
///   moment within the requests at which the nodes may have read their clocks.
/// - Two nodes that held leaderships of the same epoch, at any time.
///
/// Each of these is certainly a violation, even if requests and answers were late.
///
/// # What it does not find
///
/// - An overlap that is shorter than the time between two requests to either node.
/// - A lease that a node holds while it does not answer: while it is stopped, waits for its disk,
///   or gets no processor. The lock of the commands checks that such a lease ended before another
///   node's command ran.
///
/// The time in `lease_remaining_ms` does not count as held: a node may give up its lease, and exit,
/// at any moment after its answer.
#[derive(Debug, Default)]
pub(super) struct Leases(BTreeMap<Holder, Span>);

/// A time span in nanoseconds. If a leadership was seen only once, `from` is later than `until`.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u64,
    until: u64,
}

impl Leases {
    /// Adds an answer of a node that held its leadership, with the times of request and answer.
    pub(super) fn add(&mut self, holder: Holder, asked: u64, answered: u64) {
        let span = self.0.entry(holder).or_insert(Span {
            from: answered,
            until: asked,
        });
        span.from = span.from.min(answered);
        span.until = span.until.max(asked);
    }

    /// Returns the number of leaderships that were seen.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Describes each violation.
    pub(super) fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (index, (one, span)) in self.0.iter().enumerate() {
            for (other, second) in self.0.iter().skip(index + 1) {
                let first_end = span.until.min(second.until);
                let overlap = first_end.checked_sub(span.from.max(second.from));
                if overlap.is_some() || must_overlap(*span, *second) {
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

/// Returns `true` if neither can have ended before the other began.
fn must_overlap(one: Span, other: Span) -> bool {
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

    fn violations(answers: &[(Holder, u64, u64)]) -> Vec<String> {
        let mut leases = Leases::default();
        for &(holder, asked, answered) in answers {
            leases.add(holder, asked, answered);
        }
        leases.violations()
    }

    const A: Holder = holder(1, 1);
    const B: Holder = holder(2, 2);

    // A check with false alarms would be switched off.
    #[test]
    fn consecutive_leases_are_no_violation() {
        // The node may have read its clock at any moment until it answered.
        let before = (A, 100, 110);
        for answers in [
            [before, (A, 200, 210), (B, 205, 220)],
            [before, (A, 200, 900), (B, 205, 220)],
            [before, (B, 105, 120), (B, 300, 310)],
        ] {
            assert_eq!(violations(&answers), [""; 0]);
        }
        // The first node was elected again later.
        let again = Holder { epoch: 3, ..A };
        let answers = [before, (B, 300, 310), (again, 400, 410)];
        assert_eq!(violations(&answers), [""; 0]);
        assert_eq!(violations(&[]), [""; 0]);
    }

    // A check that finds nothing would accept two leaders.
    #[test]
    fn each_overlap_is_found() {
        let [first, last] = [(A, 100, 110), (A, 200, 210)];
        for others in [
            // Within the first span, seen once and twice; across its end; around it; touching it.
            &[(B, 150, 160)][..],
            &[(B, 130, 140), (B, 180, 185)],
            &[(B, 190, 195), (B, 300, 310)],
            &[(B, 50, 60), (B, 300, 310)],
            &[(B, 110, 200)],
            // Another life of the same node.
            &[(Holder { instance: 9, ..A }, 150, 160)],
        ] {
            let all = [&[first, last], others].concat();
            let found = violations(&all);
            assert!(
                found.len() == 1 && found[0].contains("at once"),
                "{found:?}"
            );
        }
    }

    // They do not overlap in time, but one epoch must have one leader.
    #[test]
    fn two_leaders_of_one_epoch_are_found() {
        let found = violations(&[(A, 100, 110), (holder(1, 2), 300, 310)]);
        assert!(
            found.len() == 1 && found[0].contains("one epoch"),
            "{found:?}"
        );
    }
}
