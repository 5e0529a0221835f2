use std::fmt;

use elector_core::{ElectionAlgorithm, MembersChange, NodeId, NodeSet};
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::Selector;
use crate::Simulation;

/// A change of the members. An operator asks the present leader for the change, and asks again and
/// again until the change is complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeMembers {
    /// The nodes that vote after the change.
    pub goal: Selectors,
    /// Nodes that do not vote after the change, although `goal` selects them.
    #[serde(default)]
    pub without: Selectors,
    /// Nodes that have come back with another disk, and that the operator allows to vote again.
    #[serde(default)]
    pub readmit: Selectors,
}

/// All nodes that at least one of several selectors selects. In a file: one selector, or a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selectors(pub Vec<Selector>);

impl<'de> Deserialize<'de> for Selectors {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Selectors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a selector such as \"all\", or a list of selectors")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Selectors, E> {
                text.parse()
                    .map(|selector| Selectors(vec![selector]))
                    .map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Selectors, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Selectors)
            }
        }
        from.deserialize_any(OneOrMore)
    }
}

impl Selectors {
    /// Returns the nodes that match at the current moment of the simulation.
    fn resolve<A: ElectionAlgorithm>(&self, sim: &mut Simulation<A>) -> NodeSet {
        let selectors = self.0.iter();
        let nodes: Vec<NodeId> = selectors.flat_map(|it| it.resolve(sim)).collect();
        nodes.into_iter().collect()
    }
}

impl ChangeMembers {
    /// Returns the problem with this change as text, if there is one.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let is_empty = self.goal.0.is_empty();
        is_empty.then_some("members needs voters: give at least one selector for goal")
    }

    /// Returns the change that an operator asks for: the nodes that the selectors match at the
    /// current moment of the simulation.
    pub(super) fn resolve<A: ElectionAlgorithm>(&self, sim: &mut Simulation<A>) -> MembersChange {
        let mut goal = self.goal.resolve(sim);
        for node in self.without.resolve(sim).iter() {
            goal.remove(node);
        }
        let readmit = self.readmit.resolve(sim);
        MembersChange {
            readmit: readmit.iter().filter(|&node| goal.contains(node)).collect(),
            goal,
            if_roster: None,
        }
    }
}
