//! Tests the configuration: its limits, and its use in comparisons.

use std::collections::BTreeSet;

use elector_core::{Comparable, Configuration, Membership, NodeId, TimingError};
use elector_ring::{Ring, RingConfig, RingVariant};

fn members(nodes: u64) -> Membership {
    Membership::new(NodeId(1), (1..=nodes).map(NodeId)).unwrap()
}

fn ordered(ids: &[u64]) -> RingConfig {
    RingConfig {
        ring: ids.iter().copied().map(NodeId).collect(),
        ..RingConfig::default()
    }
}

// If the order of the ring did not name a node, the ring would never elect this node, and no token
// would announce a leader to it.
#[test]
fn an_order_must_be_one_of_the_members() {
    assert_eq!(ordered(&[]).validate(&members(3)), Ok(()));
    assert_eq!(ordered(&[2, 3, 1]).validate(&members(3)), Ok(()));
    for wrong in [
        &[1, 2][..],
        &[1, 2, 2],
        &[1, 2, 4],
        &[1, 2, 3, 3],
        &[1, 2, 3, 4],
    ] {
        let error = ordered(wrong).validate(&members(3)).unwrap_err();
        assert!(
            error.to_string().starts_with("ring must list every node"),
            "{wrong:?}"
        );
    }
    let mut config = RingConfig::default();
    config.timing_mut().round_trip = std::time::Duration::ZERO;
    let error = config.validate(&members(3)).unwrap_err();
    assert_eq!(error, TimingError::Zero("round_trip"));
}

// Users choose a variant by its name on the command line, and tables show this name. So all names
// must be different. Every variant must be valid, and the first one must be the default.
#[test]
fn variants_are_valid_and_the_first_is_the_default() {
    let variants = Ring::variants();
    assert_eq!(variants[0].config, RingConfig::default());
    let names: BTreeSet<&str> = variants.iter().map(|variant| variant.name).collect();
    let expected = ["chang-roberts", "collect", "hirschberg-sinclair"];
    assert_eq!(names, expected.into());
    for variant in variants {
        assert_eq!(variant.config.validate(&members(5)), Ok(()));
        assert!(!variant.summary.is_empty());
    }
}

// Comparisons print the number of messages from a formula for any size of a cluster. The formula
// must not overflow, and its best case must not be above its worst case.
#[test]
fn closed_forms_hold_for_any_size() {
    for variant in Ring::variants() {
        for nodes in (0..200).chain([u64::MAX - 1, u64::MAX]) {
            let expected = Ring::expected_messages(&variant.config, nodes).unwrap();
            assert!(!expected.is_empty(), "{} n {nodes}", variant.name);
        }
    }
    let hirschberg = RingConfig {
        variant: RingVariant::HirschbergSinclair,
        ..RingConfig::default()
    };
    // With m = 4 live nodes: two levels of probes with replies (4 + 8 hops), two laps of probes (8
    // hops), and the lap of the COORDINATOR token (4 hops).
    assert_eq!(Ring::expected_messages(&hirschberg, 5), Some(24..=96));
}
