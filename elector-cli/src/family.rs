use elector_core::{Comparable, Guarantee, GuaranteeKind, quorum::Reseat};

/// An algorithm that the command offers, without its type.
#[derive(Debug)]
pub(crate) struct Family {
    /// The algorithm's name.
    pub(crate) name: &'static str,
    /// What the algorithm guarantees and at what cost, in one line.
    pub(crate) summary: &'static str,
    /// The guarantee that all its variants give.
    pub(crate) guarantee: GuaranteeKind,
    /// The name and the summary of each variant. The first variant is the default.
    pub(crate) variants: Vec<(&'static str, &'static str)>,
    /// The variants, for the simulator and the model checker.
    #[cfg(feature = "lab")]
    pub(crate) entries: Vec<crate::lab::Entry>,
    /// The algorithm, for nodes of real clusters.
    #[cfg(all(feature = "node", target_os = "linux"))]
    pub(crate) nodes: Box<dyn crate::node::ErasedAlgorithm>,
}

impl Family {
    /// Returns an algorithm whose members can change, in real clusters and in scenarios.
    pub(crate) fn with_members<A: Comparable + Reseat>() -> Self {
        Self {
            #[cfg(feature = "lab")]
            entries: crate::lab::entries_with_members::<A>(),
            #[cfg(all(feature = "node", target_os = "linux"))]
            nodes: crate::node::erased::<elector_members::Members<A>>(),
            ..Self::of::<A>()
        }
    }

    /// Returns an algorithm whose members are fixed.
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
