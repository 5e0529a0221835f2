/// The number of digits of the hash of a commit that the text of the version shows.
const DIGITS: usize = 7;

/// Returns what `elector --version` prints behind the name: `0.1.0 (commit 1a2b3c4, wire 2)`. A
/// detail that is not known is left out.
pub(crate) fn version() -> String {
    let details = [commit(env!("BUILD_COMMIT")), wire()];
    text(details.into_iter().flatten())
}

fn text(details: impl Iterator<Item = String>) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let details: Vec<String> = details.collect();
    if details.is_empty() {
        version.to_owned()
    } else {
        format!("{version} ({})", details.join(", "))
    }
}

/// Returns the text for the commit from which this program was built, with a shortened hash. A mark
/// behind the hash (`-dirty`), and a name that is no hash, stay as they are. Returns `None` if the
/// commit is not known.
fn commit(source: &str) -> Option<String> {
    let (hash, mark) = source.split_at(source.find('-').unwrap_or(source.len()));
    let is_hash = hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    match source {
        "" | "unknown" => None,
        _ if is_hash => Some(format!("commit {}{mark}", &hash[..DIGITS])),
        _ => Some(format!("commit {source}")),
    }
}

#[cfg(feature = "node")]
fn wire() -> Option<String> {
    Some(versions(&elector_net::WIRE_VERSIONS))
}

/// Returns `None`: a program without the feature `node` speaks no protocol between nodes, so it has
/// no version of this protocol.
#[cfg(not(feature = "node"))]
fn wire() -> Option<String> {
    None
}

/// Returns the supported versions of the protocol between nodes in words.
#[cfg(feature = "node")]
fn versions(supported: &std::ops::RangeInclusive<u16>) -> String {
    let (min, max) = (supported.start(), supported.end());
    if min == max {
        format!("wire {max}")
    } else {
        format!("wire {min} to {max}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // An operator must be able to find the commit with git, and to see that the source was changed
    // after the commit.
    #[test]
    fn a_commit_is_shortened_and_keeps_its_mark() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(commit(hash).unwrap(), "commit 0123456");
        let dirty = commit(&format!("{hash}-dirty")).unwrap();
        assert_eq!(dirty, "commit 0123456-dirty");
        assert_eq!(commit("nightly-build").unwrap(), "commit nightly-build");
        assert_eq!(commit("unknown"), None);
    }

    // Scripts read the second word of `elector --version` as the version. If no detail is known, no
    // empty brackets may follow the version.
    #[test]
    fn details_that_are_not_known_leave_no_brackets() {
        assert_eq!(text(std::iter::empty()), env!("CARGO_PKG_VERSION"));
        let details = ["commit 0123456", "wire 2"].map(str::to_owned);
        assert!(text(details.into_iter()).ends_with(" (commit 0123456, wire 2)"));
    }

    // During an upgrade, operators compare the protocol versions of two programs, so both ends of
    // the range must be visible.
    #[cfg(feature = "node")]
    #[test]
    fn a_range_of_wire_versions_names_both_ends() {
        assert_eq!(versions(&(2..=2)), "wire 2");
        assert_eq!(versions(&(2..=3)), "wire 2 to 3");
    }
}
