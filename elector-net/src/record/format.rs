use std::{io, path::Path};

use super::{
    disk::{Folder, Medium},
    error::RecordError,
    identity::Identity,
    roster::Roster,
    slot::{SLOT, SLOTS, Slot},
};

/// The file name of the record in its folder.
pub(super) const NAME: &str = "record";
/// The file name of a record whose creation is not complete.
pub(super) const UNFINISHED: &str = "record.new";

/// Creates a record with this state. The creation is atomic: the name of the record never leads to
/// an incomplete record. The file is written to its full length, so that later saves need no new
/// space.
pub(super) fn format(
    folder: &mut impl Folder,
    path: &Path,
    identity: &Identity,
    roster: Roster,
    state: Vec<u8>,
) -> Result<(), RecordError> {
    let record = path.join(NAME);
    let exists = folder.has(NAME);
    if exists.map_err(RecordError::io("look for the record", &record))? {
        let folder = path.to_path_buf();
        return Err(RecordError::Exists { folder });
    }
    let slot = Slot {
        sequence: 1,
        identity: identity.clone(),
        roster: Some(roster),
        // A node that has never run has no state yet, so its record has the format for fixed
        // members. The first start chooses the format that the algorithm needs.
        changes_members: false,
        state,
    };
    let mut bytes = slot.encode()?;
    bytes.resize(SLOT, 0);
    create(folder, &bytes).map_err(RecordError::io("create the record", &record))
}

/// Writes the same contents to all slots (the places of a saved state) of a file with the name
/// [`UNFINISHED`], waits for the disk, and renames the file to [`NAME`].
fn create(folder: &mut impl Folder, slot: &[u8]) -> io::Result<()> {
    let mut file = folder.create(UNFINISHED)?;
    for number in 0..SLOTS {
        file.write_at(number * SLOT as u64, slot)?;
    }
    file.sync()?;
    folder.rename(UNFINISHED, NAME)?;
    folder.sync()
}
