use std::{fs::metadata, io, os::unix::fs::MetadataExt, path::Path};

use rustix::process::{getegid, getgroups};

use super::error::RecordError;

/// The bits of a folder's mode that let the group, or all other users, write in the folder. A user
/// who can write in a folder can delete its files, and can put other files in their place.
const GROUP: u32 = 0o020;
const OTHERS: u32 = 0o002;

/// Checks that no other user can write in a folder, if the folder exists.
///
/// # Errors
/// If other users can write in the folder, or if the operating system reports an error.
pub(super) fn check(folder: &Path) -> Result<(), RecordError> {
    let found = match metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(RecordError::io("check the folder", folder)(error)),
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

/// Checks that other users cannot write in a folder with this mode and owner. If they can, returns
/// the mode that the folder should have.
///
/// A group of this process may write if root owns the folder. The reason is Kubernetes: it mounts
/// the volumes of a non-root process with root as the owner, and makes them writable for a group
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

    // The rule must allow what `--init` and systemd create, and what Kubernetes mounts. The sticky
    // bit (mode 1777) is not enough: other users could still create a file `lock` in the folder
    // first.
    #[test]
    fn only_the_owner_or_an_own_group_chosen_by_root_may_write_in_a_folder() {
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
