use serde::{Deserialize, Serialize};

/// The source and the compiler from which a program was built. The build script of this package
/// (`build.rs`) finds out these values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    /// The commit of the source; `unknown` if the program was built without git, or from a package
    /// of a registry.
    pub(crate) commit: String,
    /// Whether source files were changed after the commit, before the program was built.
    pub(crate) dirty: bool,
    /// The version of the compiler, as `rustc --version` prints it.
    pub(crate) rustc: String,
    /// The target triple for which the program was compiled.
    pub(crate) target: String,
    /// The kind of the profile with which cargo built the program: `debug` or `release`.
    pub(crate) profile: String,
}

/// The suffix of the text `BUILD_COMMIT` if source files were changed after the commit.
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

    /// Returns the commit as text, with a note if source files were changed after it.
    #[must_use]
    pub(crate) fn source(&self) -> String {
        let changed = if self.dirty { " with changes" } else { "" };
        format!("commit {}{changed}", self.commit)
    }
}
