use std::{fmt, str::FromStr};

use elector_core::{ElectionAlgorithm, Guarantee, GuaranteeKind};
use thiserror::Error;

/// The list of algorithms, and all that follows from it: the name, which is the feature too, the
/// guarantee, and the type.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $algorithm:ident = $name:literal, $guarantee:ident, $type:path;)+) => {
        /// An algorithm, for a choice at run time: by name, from a configuration file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Algorithm {
            $($(#[$doc])* $algorithm,)+
        }

        impl Algorithm {
            /// All there are, compiled in or not.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$algorithm),+];

            const fn facts(self) -> Facts {
                match self {
                    $(Self::$algorithm => Facts {
                        name: $name,
                        guarantee: GuaranteeKind::$guarantee,
                        is_available: cfg!(feature = $name),
                    },)+
                }
            }

            /// Does the visitor's work with the type of this algorithm.
            ///
            /// # Errors
            /// If its feature is off.
            #[allow(
                unreachable_patterns,
                unused_variables,
                reason = "all features may be on, and all of them may be off"
            )]
            pub fn visit<V: Visitor>(self, visitor: V) -> Result<V::Output, NotCompiledIn> {
                match self {
                    $(
                        #[cfg(feature = $name)]
                        Self::$algorithm => Ok(visitor.visit::<$type>()),
                    )+
                    absent => Err(NotCompiledIn(absent)),
                }
            }
        }

        $(
            #[cfg(feature = $name)]
            const _: () = assert!(is::<$type>(Algorithm::$algorithm));

            #[cfg(feature = $name)]
            impl crate::Select for crate::Features<{ Algorithm::$algorithm.bit() }> {
                type Algorithm = $type;
            }
        )+
    };
}

algorithms! {
    /// `elector::raft::Raft`
    Raft = "raft", Quorum, elector_raft::Raft;
    /// `elector::paxos::Paxos`
    Paxos = "paxos", Quorum, elector_paxos::Paxos;
    /// `elector::bully::Bully`
    Bully = "bully", BestEffort, elector_bully::Bully;
    /// `elector::ring::Ring`
    Ring = "ring", BestEffort, elector_ring::Ring;
}

/// What is known of an algorithm that need not be compiled in.
struct Facts {
    name: &'static str,
    guarantee: GuaranteeKind,
    is_available: bool,
}

/// Returns `true` if the name and the guarantee in the list are those of the algorithm itself.
#[allow(dead_code, reason = "all features may be off")]
const fn is<A: ElectionAlgorithm>(algorithm: Algorithm) -> bool {
    let (name, known) = (A::NAME.as_bytes(), algorithm.name().as_bytes());
    let mut same = name.len() == known.len();
    let mut at = 0;
    while same && at < name.len() {
        same = name[at] == known[at];
        at += 1;
    }
    same && A::Guarantee::KIND as u8 == algorithm.guarantee() as u8
}

/// Work that is written for all algorithms, and is done with one that was chosen at run time.
///
/// ```
/// use elector::{Algorithm, ElectionAlgorithm, Configuration, Timing, Visitor};
///
/// /// Finds the durations that an algorithm has by default.
/// struct DefaultTiming;
///
/// impl Visitor for DefaultTiming {
///     type Output = Timing;
///
///     fn visit<A: ElectionAlgorithm>(self) -> Timing {
///         A::Config::default().timing().clone()
///     }
/// }
///
/// for algorithm in Algorithm::ALL {
///     match algorithm.visit(DefaultTiming) {
///         Ok(timing) => println!("{algorithm}: {timing:?}"),
///         Err(error) => println!("{error}"),
///     }
/// }
/// ```
pub trait Visitor {
    /// What the work returns: for asynchronous work, a boxed future.
    type Output;

    /// Does the work.
    fn visit<A: ElectionAlgorithm>(self) -> Self::Output;
}

/// The algorithm is not compiled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0} is not compiled in: turn on the feature `{0}` of elector")]
pub struct NotCompiledIn(pub Algorithm);

impl Algorithm {
    /// Its name, which is also its feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// What may be relied on under it.
    #[must_use]
    pub const fn guarantee(self) -> GuaranteeKind {
        self.facts().guarantee
    }

    /// Returns `true` if its feature is on.
    #[must_use]
    pub const fn is_available(self) -> bool {
        self.facts().is_available
    }

    /// Returns its bit in a set of algorithms.
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no algorithm's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no algorithm {0:?}: choose {known}", known = known())]
pub struct UnknownAlgorithm(pub String);

/// Returns all names, as a sentence lists them.
fn known() -> String {
    let [others @ .., last] = Algorithm::ALL.map(Algorithm::name);
    format!("{} or {last}", others.join(", "))
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        let named = Self::ALL.into_iter().find(|known| known.name() == name);
        named.ok_or_else(|| UnknownAlgorithm(name.to_owned()))
    }
}
