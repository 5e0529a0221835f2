//! What the protocol guarantees, and the invariants that the proof of the protocol rests on. A
//! configuration is active if a majority of its members holds no newer configuration.

use crate::model::{Reconfiguration, State, set_of};
use crate::server::{Server, majorities_meet, majority};
use stateright::Property;

/// No two servers lead the same term.
pub const ELECTION_SAFETY: &str = "ElectionSafety";
/// The majorities of any two active configurations have a server in common. A configuration is
/// active if a majority of its members holds no newer configuration.
pub const ACTIVE_CONFIGS_OVERLAP: &str = "ActiveConfigsOverlap";
/// Each majority of an active configuration has a server whose term is at least the highest term of
/// any configuration. A configuration is active if a majority of its members holds no newer
/// configuration.
pub const ACTIVE_CONFIGS_SAFE_AT_TERMS: &str = "ActiveConfigsSafeAtTerms";
/// Two configurations with the same version and the same term have the same members.
pub const ONE_CONFIG_PER_NAME: &str = "OneConfigPerName";
/// The term of the configuration of a leader is the leader's own term.
pub const LEADER_CONFIG_IN_ITS_TERM: &str = "LeaderConfigInItsTerm";
/// The leader of a term holds the newest of the configurations with that term.
pub const LEADER_HOLDS_NEWEST: &str = "LeaderHoldsNewest";

/// The names of all properties.
pub const NAMES: [&str; 6] = [
    ELECTION_SAFETY,
    ACTIVE_CONFIGS_OVERLAP,
    ACTIVE_CONFIGS_SAFE_AT_TERMS,
    ONE_CONFIG_PER_NAME,
    LEADER_CONFIG_IN_ITS_TERM,
    LEADER_HOLDS_NEWEST,
];

/// Returns all properties.
#[must_use]
pub fn all<const N: usize>() -> Vec<Property<Reconfiguration<N>>> {
    vec![
        Property::always(ELECTION_SAFETY, |_, state| election_safety(state)),
        Property::always(ACTIVE_CONFIGS_OVERLAP, |_, state| {
            active_configs_overlap(state)
        }),
        Property::always(ACTIVE_CONFIGS_SAFE_AT_TERMS, |_, state| {
            active_configs_safe(state)
        }),
        Property::always(ONE_CONFIG_PER_NAME, |_, state| one_config_per_name(state)),
        Property::always(LEADER_CONFIG_IN_ITS_TERM, |_, state| {
            leader_config_in_its_term(state)
        }),
        Property::always(LEADER_HOLDS_NEWEST, |_, state| leader_holds_newest(state)),
    ]
}

fn election_safety<const N: usize>(state: &State<N>) -> bool {
    pairs(state, |a, b| {
        !a.is_primary() || !b.is_primary() || a.term() != b.term()
    })
}

fn active_configs_overlap<const N: usize>(state: &State<N>) -> bool {
    let active = set_of(state, |server| is_active(state, server));
    (0..N).filter(|a| active & 1 << a != 0).all(|a| {
        let mut later = (a + 1..N).filter(|b| active & 1 << b != 0);
        later.all(|b| majorities_meet(state[a].config(), state[b].config()))
    })
}

fn active_configs_safe<const N: usize>(state: &State<N>) -> bool {
    let newest = state.iter().map(|server| server.config_term()).max();
    let behind = set_of(state, |server| Some(server.term()) < newest);
    let safe = |server: &Server| !majority(behind, server.config());
    state
        .iter()
        .all(|server| safe(server) || !is_active(state, *server))
}

fn one_config_per_name<const N: usize>(state: &State<N>) -> bool {
    pairs(state, |a, b| {
        a.name() != b.name() || a.config() == b.config()
    })
}

fn leader_config_in_its_term<const N: usize>(state: &State<N>) -> bool {
    state
        .iter()
        .all(|server| !server.is_primary() || server.config_term() == server.term())
}

fn leader_holds_newest<const N: usize>(state: &State<N>) -> bool {
    let newest = |leader: &Server| {
        let in_term = |other: &&Server| other.config_term() == leader.term();
        state
            .iter()
            .filter(in_term)
            .all(|other| other.version() <= leader.version())
    };
    state
        .iter()
        .all(|server| !server.is_primary() || newest(server))
}

/// Returns `true` if `holds` is `true` for every pair of servers.
fn pairs<const N: usize>(state: &State<N>, holds: impl Fn(Server, Server) -> bool) -> bool {
    (0..N).all(|a| (a + 1..N).all(|b| holds(state[a], state[b])))
}

/// Returns `true` if the configuration of `server` is active: a majority of its members holds no
/// newer configuration.
fn is_active<const N: usize>(state: &State<N>, server: Server) -> bool {
    majority(
        set_of(state, |other| other.name() <= server.name()),
        server.config(),
    )
}
