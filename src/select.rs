/// The one algorithm whose feature is on. With none of them on, or several, using it does not
/// compile, and the error says what to do.
///
/// ```
/// # #[cfg(all(feature = "raft", not(any(feature = "paxos", feature = "bully", feature = "ring"))))]
/// # fn main() {
/// use elector::{ElectionAlgorithm, Selected};
///
/// assert_eq!(Selected::NAME, "raft");
/// # }
/// # #[cfg(not(all(feature = "raft", not(any(feature = "paxos", feature = "bully",
/// #     feature = "ring")))))]
/// # fn main() {}
/// ```
#[cfg(all(
    feature = "raft",
    not(any(feature = "paxos", feature = "bully", feature = "ring"))
))]
pub type Selected = elector_raft::Raft;

/// The one algorithm whose feature is on.
#[cfg(all(
    feature = "paxos",
    not(any(feature = "raft", feature = "bully", feature = "ring"))
))]
pub type Selected = elector_paxos::Paxos;

/// The one algorithm whose feature is on.
#[cfg(all(
    feature = "bully",
    not(any(feature = "raft", feature = "paxos", feature = "ring"))
))]
pub type Selected = elector_bully::Bully;

/// The one algorithm whose feature is on.
#[cfg(all(
    feature = "ring",
    not(any(feature = "raft", feature = "paxos", feature = "bully"))
))]
pub type Selected = elector_ring::Ring;

/// Exactly one of the features `raft`, `paxos`, `bully` and `ring` must be on for this to be an
/// algorithm; now it is none.
///
/// ```compile_fail
/// let builder = elector::Elector::<elector::Selected>::builder("which?");
/// ```
#[cfg(not(any(
    all(
        feature = "raft",
        not(any(feature = "paxos", feature = "bully", feature = "ring"))
    ),
    all(
        feature = "paxos",
        not(any(feature = "raft", feature = "bully", feature = "ring"))
    ),
    all(
        feature = "bully",
        not(any(feature = "raft", feature = "paxos", feature = "ring"))
    ),
    all(
        feature = "ring",
        not(any(feature = "raft", feature = "paxos", feature = "bully"))
    ),
)))]
pub type Selected = SelectedNeedsExactlyOneAlgorithmFeature;

/// What [`Selected`] is when there is nothing to select, or too much: no algorithm. Turn on exactly
/// one of the features `raft` (the default), `paxos`, `bully` and `ring`
/// (`default-features = false` turns `raft` off), or name the algorithm, as in
/// `elector::raft::Raft`.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum SelectedNeedsExactlyOneAlgorithmFeature {}
