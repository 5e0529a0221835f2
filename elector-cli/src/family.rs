use elector_core::{Comparable, Guarantee, GuaranteeKind};

/// An algorithm that the command offers, whatever its type.
#[derive(Debug)]
pub(crate) struct Family {
    /// The algorithm's name.
    pub(crate) name: &'static str,
    /// What it promises, in one line.
    pub(crate) summary: &'static str,
    /// What may be relied on, under all its variants.
    pub(crate) guarantee: GuaranteeKind,
    /// The names of the variants, and what is special about each. The first is the default.
    pub(crate) variants: Vec<(&'static str, &'static str)>,
    /// The variants, ready for simulator and model checker.
    #[cfg(feature = "lab")]
    pub(crate) entries: Vec<crate::lab::Entry>,
    /// The algorithm, ready for nodes.
    #[cfg(all(feature = "node", target_os = "linux"))]
    pub(crate) nodes: Box<dyn crate::node::ErasedAlgorithm>,
}

impl Family {
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
