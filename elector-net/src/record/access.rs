use std::{fs::metadata, io, os::unix::fs::MetadataExt, path::Path};

use rustix::process::{getegid, getgroups};

use super::error::RecordError;

/// To write in a folder is to delete files in it, and to put others in their place.
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;

/// Checks that no other user may write in a folder, if it is there.
///
/// # Errors
/// If others may; if the operating system refuses to say.
pub(super) fn check(folder: &Path) -> Result<(), RecordError> {
    let found = match metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(RecordError::Io {
                doing: "look at the folder",
                path: folder.to_path_buf(),
                source,
            });
        }
    };
    let is_own = |group: u32| {
        let all = getgroups().unwrap_or_default();
        getegid().as_raw() == group || all.iter().any(|one| one.as_raw() == group)
    };
    let (mode, owner, group) = (found.mode() & 0o7777, found.uid(), found.gid());
    closed(mode, owner, is_own(group)).map_err(|allowed| RecordError::FolderExposed {
        folder: folder.to_path_buf(),
        mode,
        allowed,
    })
}

/// Whether a folder with this mode and owner is closed to others; else the mode that it should
/// have.
///
/// Kubernetes mounts the volumes of a process that is not root as root's, and writable for a group
/// that it gives to that process (`fsGroup`).
fn closed(mode: u32, owner: u32, is_own_group: bool) -> Result<(), u32> {
    let open = if owner == 0 && is_own_group {
        OTHERS
    } else {
        GROUP | OTHERS
    };
    match mode & open {
        0 => Ok(()),
        _ => Err(mode & !open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The rule must let in what `--init` and systemd make, and what Kubernetes mounts; the sticky
    // bit does not keep others from putting a `lock` there first.
    #[test]
    fn a_folder_is_for_its_owner_or_for_an_own_group_that_root_chose() {
        for (mode, owner, is_own_group, verdict) in [
            (0o700, 1000, true, Ok(())),
            (0o755, 1000, false, Ok(())),
            (0o775, 1000, true, Err(0o755)),
            (0o2775, 0, true, Ok(())),
            (0o2775, 0, false, Err(0o2755)),
            (0o2777, 0, true, Err(0o2775)),
            (0o1777, 0, false, Err(0o1755)),
        ] {
            let found = closed(mode, owner, is_own_group);
            assert_eq!(found, verdict, "{mode:o} of {owner}");
        }
    }
}
