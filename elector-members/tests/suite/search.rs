//! Tests changes of the members in every order of events, within small bounds.

use elector_check::{Check, CheckConfig};
use elector_core::{MembersChange, NodeId};
use elector_members::{Members, MembersConfig};
use elector_raft::Raft;

use crate::ids;

// An election and a change of the members, in each order in which messages can arrive, be lost and
// arrive again. `elector check --members` does longer searches.
#[test]
fn an_election_and_a_change_in_every_order() {
    let changes = [&[1, 2, 3][..], &[1, 3]];
    let check = Check::<Members<Raft>>::new(CheckConfig {
        config: MembersConfig {
            first: (1..=2).map(NodeId).collect(),
            ..MembersConfig::default()
        },
        max_epoch: 1,
        crashes: 0,
        commands: 1,
        changes: changes.map(|goal| MembersChange::to(ids(goal))).to_vec(),
        timeouts: Some(1),
        ..CheckConfig::default()
    });
    let report = check.run().unwrap();
    assert!(report.is_clean() && report.is_exhaustive(), "{report}");
    assert_eq!(report.unique_states, 32_091);
}
