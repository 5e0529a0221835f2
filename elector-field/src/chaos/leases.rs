use std::collections::BTreeMap;

/// The node that holds a leadership, in one of its lives (processes), and the epoch of this
/// leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holder {
    pub(super) epoch: u64,
    pub(super) node: u64,
    /// The life (process) of the node. This is the field `instance` in the status of the node.
    pub(super) instance: u64,
}

/// The times at which leaderships were certainly held. These times follow from the answers of
/// nodes.
///
/// A node that answers `holds_leadership: true` (it leads, and its lease is valid) has read its
/// clock at one moment between the request and the answer. So the first such moment of one holder
/// is not later than its first answer, and the last such moment is not earlier than its last
/// request. The leadership counts as held for the whole time between the first answer and the last
/// request. This is correct even if the lease was interrupted in between, because no other node can
/// have held a lease in the interruption: voters that have elected another leader do not return to
/// the earlier epoch, so the first holder could not have renewed its lease.
///
/// # What it finds
///
/// - Two leaderships that were held at the same time, because neither can have ended before the
///   other one began. This is certain for all moments between request and answer at which the nodes
///   may have read their clocks.
/// - Two nodes that held leaderships of the same epoch, at any times.
///
/// Each of these is certainly a violation, even if requests or answers were slow.
///
/// # What it does not find
///
/// - An overlap that is shorter than the time between two requests to one of the nodes.
/// - A lease that a node holds while it does not answer: while the node is stopped, waits for its
///   disk, or gets no processor. For this case there is the file lock that each command tries to
///   take when it begins: it shows whether the command of the node ended before the command of
///   another node ran.
///
/// The time in `lease_remaining_ms` does not count as held, because a node may give up its lease,
/// or exit, at any moment after its answer.
#[derive(Debug, Default)]
pub(super) struct Leases(BTreeMap<Holder, Span>);

/// A time span: from the first answer for a leadership to the last request for it, both in
/// nanoseconds. If only one answer was seen for a leadership, `from` is later than `until`.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u64,
    until: u64,
}

impl Leases {
    /// Adds an answer of a node that held its leadership, with the times of the request and of the
    /// answer in nanoseconds.
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

/// Returns `true` if neither leadership can have ended before the other began.
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

    // If the check for overlapping leases had false alarms, people would switch it off.
    #[test]
    fn consecutive_leases_are_no_violation() {
        // A node may have read its clock at any moment from the request to the answer.
        let before = (A, 100, 110);
        for answers in [
            [before, (A, 200, 210), (B, 205, 220)],
            [before, (A, 200, 900), (B, 205, 220)],
            [before, (B, 105, 120), (B, 300, 310)],
        ] {
            assert_eq!(violations(&answers), [""; 0]);
        }
        // The node that leads first is elected again later, in a new epoch.
        let again = Holder { epoch: 3, ..A };
        let answers = [before, (B, 300, 310), (again, 400, 410)];
        assert_eq!(violations(&answers), [""; 0]);
        assert_eq!(violations(&[]), [""; 0]);
    }

    // If the check for overlapping leases missed one, a trial would accept two leaders.
    #[test]
    fn each_overlap_is_found() {
        let [first, last] = [(A, 100, 110), (A, 200, 210)];
        for others in [
            // The other leadership is within the span of the first leadership (the other one was
            // seen once, then twice), crosses the end of the span, surrounds the span, or touches
            // it.
            &[(B, 150, 160)][..],
            &[(B, 130, 140), (B, 180, 185)],
            &[(B, 190, 195), (B, 300, 310)],
            &[(B, 50, 60), (B, 300, 310)],
            &[(B, 110, 200)],
            // The other holder is another life (process) of the same node.
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

    // The two leaderships do not overlap in time, but one epoch must have one leader.
    #[test]
    fn two_leaders_of_one_epoch_are_found() {
        let found = violations(&[(A, 100, 110), (holder(1, 2), 300, 310)]);
        assert!(
            found.len() == 1 && found[0].contains("one epoch"),
            "{found:?}"
        );
    }
}
