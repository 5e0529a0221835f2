use alloc::vec::Vec;
use core::ops::RangeInclusive;

use elector_core::{Comparable, Variant, quorum::Reseat};

use crate::Members;

/// The variants and the formulas are those of the wrapped algorithm `A`: a cluster whose members do
/// not change sends the same messages with the wrapper as without it.
impl<A: Comparable + Reseat> Comparable for Members<A> {
    const SUMMARY: &'static str = A::SUMMARY;

    fn variants() -> Vec<Variant<Self::Config>> {
        let wrapped = A::variants().into_iter().map(|variant| Variant {
            name: variant.name,
            summary: variant.summary,
            config: variant.config.into(),
        });
        wrapped.collect()
    }

    fn expected_messages(config: &Self::Config, nodes: u64) -> Option<RangeInclusive<u64>> {
        A::expected_messages(&config.algorithm, nodes)
    }
}
