use std::{io, path::Path};

use super::{
    disk::{Folder, Medium},
    error::RecordError,
    identity::Identity,
    roster::Roster,
    slot::{SLOT, SLOTS, Slot},
};

/// The name of the record in its folder.
pub(super) const NAME: &str = "record";
/// Its name while it is being made.
pub(super) const UNFINISHED: &str = "record.new";

/// Makes a record with this state in it, all of it or none: under its name there is never half of
/// one. It is written to its full length, so that no save ever has to find room for it.
pub(super) fn format(
    folder: &mut impl Folder,
    path: &Path,
    identity: &Identity,
    roster: Roster,
    state: Vec<u8>,
) -> Result<(), RecordError> {
    let failed = |doing| {
        let path = path.join(NAME);
        move |source: io::Error| RecordError::Io {
            doing,
            path,
            source,
        }
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
    let make = failed("make the record");
    let mut file = folder
        .create(UNFINISHED)
        .map_err(failed("make the record"))?;
    for slot in 0..SLOTS {
        let offset = slot * SLOT as u64;
        file.write_at(offset, &bytes)
            .map_err(failed("make the record"))?;
    }
    file.sync().map_err(failed("make the record"))?;
    folder
        .rename(UNFINISHED, NAME)
        .and_then(|()| folder.sync())
        .map_err(make)
}
