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
/// The file name while the record is being created.
pub(super) const UNFINISHED: &str = "record.new";

/// Creates a record with this state. The creation is atomic: the name never leads to half a record.
/// The file is written to its full length, so that later saves need no new space.
pub(super) fn format(
    folder: &mut impl Folder,
    path: &Path,
    identity: &Identity,
    roster: Roster,
    state: Vec<u8>,
) -> Result<(), RecordError> {
    let failed = |doing| {
        let path = path.join(NAME);
        move |error: io::Error| RecordError::Io { doing, path, error }
    };
    if folder.has(NAME).map_err(failed("look for the record"))? {
        let folder = path.to_path_buf();
        return Err(RecordError::Exists { folder });
    }
    let slot = Slot {
        sequence: 1,
        identity: identity.clone(),
        roster: Some(roster),
        state,
    };
    let mut bytes = slot.encode()?;
    bytes.resize(SLOT, 0);
    let create = failed("create the record");
    let mut file = folder
        .create(UNFINISHED)
        .map_err(failed("create the record"))?;
    for slot in 0..SLOTS {
        let offset = slot * SLOT as u64;
        file.write_at(offset, &bytes)
            .map_err(failed("create the record"))?;
    }
    file.sync().map_err(failed("create the record"))?;
    folder
        .rename(UNFINISHED, NAME)
        .and_then(|()| folder.sync())
        .map_err(create)
}
