use std::{fmt, str::FromStr};

use elector_core::{ElectionAlgorithm, Guarantee, GuaranteeKind, debug_as_text};
use thiserror::Error;

/// Defines everything that depends on the list of algorithms. Each entry of the list has a name,
/// which is also the name of the feature, a guarantee, and the type that implements the algorithm.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $algorithm:ident = $name:literal, $guarantee:ident, $type:path;)+) => {
        /// An algorithm that is chosen at run time: by its name, for example in a configuration
        /// file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Algorithm {
            $($(#[$doc])* $algorithm,)+
        }

        impl Algorithm {
            /// All algorithms, whether they are compiled in or not.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$algorithm),+];

            const fn properties(self) -> Properties {
                match self {
                    $(Self::$algorithm => Properties {
                        name: $name,
                        guarantee: GuaranteeKind::$guarantee,
                        is_available: cfg!(feature = $name),
                    },)+
                }
            }

            /// Calls the visitor with the type of this algorithm.
            ///
            /// # Errors
            /// If the feature of the algorithm is off.
            #[allow(
                unreachable_patterns,
                unused_variables,
                reason = "all features can be on, and all of them can be off"
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
    /// The algorithm `elector::Raft`, with the feature `raft`.
    Raft = "raft", Quorum, crate::Raft;
    /// The algorithm `elector::Paxos`, with the feature `paxos`.
    Paxos = "paxos", Quorum, crate::Paxos;
    /// The algorithm `elector::Bully`, with the feature `bully`.
    Bully = "bully", BestEffort, crate::Bully;
    /// The algorithm `elector::Ring`, with the feature `ring`.
    Ring = "ring", BestEffort, crate::Ring;
}

/// The properties of an algorithm that are known even if it is not compiled in.
struct Properties {
    name: &'static str,
    guarantee: GuaranteeKind,
    is_available: bool,
}

/// Returns `true` if the name and the guarantee of `algorithm` in the list are those that the type
/// `A` itself has.
#[allow(dead_code, reason = "all features can be off")]
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

/// Code that is generic over algorithms, and runs with an algorithm that is chosen at run time.
///
/// ```
/// use elector::{Algorithm, ElectionAlgorithm, Configuration, Timing, Visitor};
///
/// /// Returns the default durations of an algorithm.
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
    /// The result of the code. For asynchronous code, the result is a boxed future.
    type Output;

    /// Runs the code with the algorithm `A`.
    fn visit<A: ElectionAlgorithm>(self) -> Self::Output;
}

/// The algorithm is not compiled in.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} is not compiled in: turn on the feature `{0}` of elector")]
pub struct NotCompiledIn(pub Algorithm);

impl Algorithm {
    /// Returns the name of the algorithm, which is also the name of its feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.properties().name
    }

    /// Returns what the algorithm ensures.
    #[must_use]
    pub const fn guarantee(self) -> GuaranteeKind {
        self.properties().guarantee
    }

    /// Returns `true` if the feature of the algorithm is on.
    #[must_use]
    pub const fn is_available(self) -> bool {
        self.properties().is_available
    }

    /// Returns the bit of the algorithm in the set of [`Features`](crate::Features).
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// No algorithm has this name.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("there is no algorithm {0:?}: choose {known}", known = known())]
pub struct UnknownAlgorithm(pub String);

debug_as_text!(NotCompiledIn, UnknownAlgorithm);

/// Returns the names of all algorithms, as a list that can stand in a sentence.
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
