use crate::Algorithm;

/// The only algorithm whose feature is on. If no feature of an algorithm is on, or several are on,
/// code that uses this type does not compile, and the error says what to do.
///
/// ```
/// # #[cfg(all(feature = "raft", not(any(feature = "paxos", feature = "bully",
/// #     feature = "ring"))))]
/// # fn main() {
/// use elector::{ElectionAlgorithm, Selected};
///
/// assert_eq!(Selected::NAME, "raft");
/// # }
/// # #[cfg(not(all(feature = "raft", not(any(feature = "paxos", feature = "bully",
/// #     feature = "ring")))))]
/// # fn main() {}
/// ```
pub type Selected = <Features<{ on() }> as Select>::Algorithm;

/// The set of algorithms whose features are on. `ON` has one bit for each algorithm.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum Features<const ON: u8> {}

/// This trait is implemented for each set [`Features`] that has exactly one algorithm.
///
/// ```compile_fail
/// type OfTwo = <elector::Features<0b11> as elector::Select>::Algorithm;
/// let builder = elector::Elector::builder("which?").algorithm::<OfTwo>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`Selected` is an algorithm only if exactly one algorithm feature of elector is on",
    label = "none of the features `raft`, `paxos`, `bully` and `ring` is on, or several are",
    note = "turn on exactly one of them (`default-features = false` turns `raft` off), or name the \
            algorithm, as in `elector::Raft`"
)]
#[doc(hidden)]
pub trait Select {
    /// The only algorithm of the set.
    type Algorithm;
}

const fn on() -> u8 {
    let (mut on, mut at) = (0, 0);
    while at < Algorithm::ALL.len() {
        if Algorithm::ALL[at].is_available() {
            on |= Algorithm::ALL[at].bit();
        }
        at += 1;
    }
    on
}
