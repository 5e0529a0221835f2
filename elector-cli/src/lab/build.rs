use serde::{Deserialize, Serialize};

/// From which source and by which compiler a program was built. `build.rs` of this package finds it
/// out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    /// The commit; `unknown` without git, and for a package from a registry.
    pub(crate) commit: String,
    /// Whether source files had been changed since that commit.
    pub(crate) dirty: bool,
    /// What `rustc --version` prints.
    pub(crate) rustc: String,
    /// The target triple.
    pub(crate) target: String,
    /// The kind of cargo's profile: `debug` or `release`.
    pub(crate) profile: String,
}

/// The end of a commit with changed source files.
const DIRTY: &str = "-dirty";

impl Build {
    /// Returns the build of this program.
    #[must_use]
    pub(crate) fn of_this_program() -> Self {
        let commit = env!("BUILD_COMMIT");
        let clean = commit.strip_suffix(DIRTY);
        Self {
            commit: clean.unwrap_or(commit).to_owned(),
            dirty: clean.is_some(),
            rustc: env!("BUILD_RUSTC").to_owned(),
            target: env!("BUILD_TARGET").to_owned(),
            profile: env!("BUILD_PROFILE").to_owned(),
        }
    }

    /// Returns the commit, with a note if source files had been changed.
    #[must_use]
    pub(crate) fn source(&self) -> String {
        let changed = if self.dirty { " with changes" } else { "" };
        format!("commit {}{changed}", self.commit)
    }
}
