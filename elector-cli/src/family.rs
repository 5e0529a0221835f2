use elector_core::{Comparable, Guarantee, GuaranteeKind, quorum::Reseat};

/// An algorithm that the command `elector` offers. Its Rust type is erased, so that all algorithms
/// fit into one list.
#[derive(Debug)]
pub(crate) struct Family {
    /// The algorithm's name.
    pub(crate) name: &'static str,
    /// What the algorithm guarantees, and at what cost, for example in messages or durable writes:
    /// one line.
    pub(crate) summary: &'static str,
    /// The guarantee that all variants of the algorithm give.
    pub(crate) guarantee: GuaranteeKind,
    /// The name and the summary of each variant. The first variant is the default.
    pub(crate) variants: Vec<(&'static str, &'static str)>,
    /// The variants of the algorithm, in the form that the simulator and the model checker run.
    #[cfg(feature = "lab")]
    pub(crate) entries: Vec<crate::lab::Entry>,
    /// The algorithm, in the form that a node of a real cluster runs.
    #[cfg(all(feature = "node", target_os = "linux"))]
    pub(crate) nodes: Box<dyn crate::node::ErasedAlgorithm>,
}

impl Family {
    /// Returns the family of the algorithm `A`, whose clusters can change their members, both in
    /// real clusters and in simulated scenarios.
    pub(crate) fn with_members<A: Comparable + Reseat>() -> Self {
        Self {
            #[cfg(feature = "lab")]
            entries: crate::lab::entries_with_members::<A>(),
            #[cfg(all(feature = "node", target_os = "linux"))]
            nodes: crate::node::erased::<elector_members::Members<A>>(),
            ..Self::of::<A>()
        }
    }

    /// Returns the family of the algorithm `A`, whose clusters have fixed members.
    pub(crate) fn of<A: Comparable>() -> Self {
        let variants = A::variants().into_iter();
        Self {
            name: A::NAME,
            summary: A::SUMMARY,
            guarantee: A::Guarantee::KIND,
            variants: variants
                .map(|variant| (variant.name, variant.summary))
                .collect(),
            #[cfg(feature = "lab")]
            entries: crate::lab::entries::<A>(),
            #[cfg(all(feature = "node", target_os = "linux"))]
            nodes: crate::node::erased::<A>(),
        }
    }
}
