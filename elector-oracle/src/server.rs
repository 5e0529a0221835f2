//! One server in 16 bits, and sets of servers.

/// A set of servers. Bit `i` stands for server `i`.
pub type Set = u8;

/// Returns `true` if more than half of the servers in `of` are in `set`.
#[must_use]
pub const fn majority(set: Set, of: Set) -> bool {
    2 * (set & of).count_ones() > of.count_ones()
}

/// Returns `true` if every majority of `a` has a server in common with every majority of `b`.
///
/// Two majorities without a common server use as few servers as possible from the intersection of
/// the two sets: each first takes the servers that are in its own set only. The two majorities can
/// have no common server if the intersection has enough servers for what both still need.
#[must_use]
pub const fn majorities_meet(a: Set, b: Set) -> bool {
    let rest_a = (a.count_ones() / 2 + 1).saturating_sub((a & !b).count_ones());
    let rest_b = (b.count_ones() / 2 + 1).saturating_sub((b & !a).count_ones());
    rest_a + rest_b > (a & b).count_ones()
}

const TERM: u16 = 0b0000_0011_1000_0000;
const PRIMARY: u16 = 0b0000_0000_0100_0000;
const MEMBERS: u16 = 0b0000_0000_0011_1111;
const NAME: u16 = !(TERM | PRIMARY | MEMBERS);

/// The state of one server.
///
/// The bits, from the highest down: the term of the configuration (3 bits), its version (3), the
/// current term (3), whether the server leads (1), and the members of the configuration (6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Server(u16);

impl Server {
    /// Returns a server that follows in term 0 and holds `config` as version 1 of term 0.
    #[must_use]
    pub fn new(config: Set) -> Self {
        Self(1 << 10 | u16::from(config))
    }

    /// Returns the term that the server is in.
    #[must_use]
    pub const fn term(self) -> u16 {
        (self.0 & TERM) >> 7
    }

    /// Returns `true` if the server leads its term.
    #[must_use]
    pub const fn is_primary(self) -> bool {
        self.0 & PRIMARY != 0
    }

    /// Returns the members of the configuration that the server holds.
    #[must_use]
    pub const fn config(self) -> Set {
        (self.0 & MEMBERS) as Set
    }

    /// Returns the version of the configuration that the server holds.
    #[must_use]
    pub const fn version(self) -> u16 {
        self.0 >> 10 & 7
    }

    /// Returns the term of the configuration that the server holds.
    #[must_use]
    pub const fn config_term(self) -> u16 {
        self.0 >> 13
    }

    /// Returns the term and the version of the configuration that the server holds, as one number.
    ///
    /// The number of a newer configuration is larger.
    #[must_use]
    pub const fn name(self) -> u16 {
        self.0 >> 10
    }

    /// Returns this server in the term `term`. It leads this term if `primary` is `true`.
    #[must_use]
    pub const fn in_term(self, term: u16, primary: bool) -> Self {
        Self(self.0 & !(TERM | PRIMARY) | term << 7 | (primary as u16) << 6)
    }

    /// Returns this server with the configuration of `other`.
    #[must_use]
    pub const fn holding(self, other: Self) -> Self {
        Self(self.0 & (TERM | PRIMARY) | other.0 & (NAME | MEMBERS))
    }

    /// Returns this server with `term` as the term of its configuration.
    #[must_use]
    pub const fn with_config_term(self, term: u16) -> Self {
        Self(self.0 & (MEMBERS | PRIMARY | TERM | 7 << 10) | term << 13)
    }

    /// Returns this server with the members `config` as the next version of its configuration. The
    /// term of the new configuration is the server's own term.
    #[must_use]
    pub fn reconfigured(self, config: Set) -> Self {
        let kept = self.0 & (TERM | PRIMARY) | u16::from(config);
        Self(kept | self.term() << 13 | (self.version() + 1) << 10)
    }

    /// Returns this server with the members `config` in its configuration. All else stays.
    #[must_use]
    pub fn with_config(self, config: Set) -> Self {
        Self(self.0 & !MEMBERS | u16::from(config))
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lead = if self.is_primary() { " leads" } else { "" };
        let (config, term) = (Members(self.config()), self.config_term());
        write!(
            f,
            "term {}{lead}, {config} v{} t{term}",
            self.term(),
            self.version()
        )
    }
}

/// Prints a set of servers. The servers are counted from 1.
pub(crate) struct Members(pub Set);

impl std::fmt::Display for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members = (0..8).filter(|i| self.0 & 1 << i != 0);
        f.debug_set().entries(members.map(|i| i + 1)).finish()
    }
}
