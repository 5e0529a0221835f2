use elector_core::NodeId;

/// At most one node holds a lease at any time: of several that believe they lead, only one may
/// act. (Ongaro's dissertation, section 6.4.1.)
#[derive(Debug, Default)]
pub struct ExclusiveLease {
    holders: Vec<NodeId>,
}

impl ExclusiveLease {
    /// The name in reports.
    pub const NAME: &'static str = "exclusive-lease";

    /// These nodes hold leases now. Reports each pair of holders once, when it begins.
    pub fn held(&mut self, holders: &[NodeId]) -> Option<String> {
        let begins = holders.len() > 1 && holders != self.holders;
        self.holders.clear();
        self.holders.extend_from_slice(holders);
        begins.then(|| format!("nodes {holders:?} hold a lease at the same time"))
    }
}
