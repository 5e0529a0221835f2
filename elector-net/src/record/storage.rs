use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use elector_core::{
    Membership, NodeId, Payload,
    actor::{BoxError, Immediate, Storage, now},
};

use super::{
    access,
    disk::{Dir, make_folder},
    error::RecordError,
    examine::examine,
    format::{self, NAME},
    handle::{Open, RecordHandle},
    identity::Identity,
    lock::Lock,
    place::Place,
    roster::{Ids, Roster, has_nodes},
    slots::Slots,
    summary::RecordSummary,
};

/// A node's durable record, in a folder of its own: [`Storage`] that survives `kill -9` and power
/// cuts, and that would rather not start than forget.
///
/// [`format`](Self::format) makes the record, once in the life of a node. Nothing is opened before
/// [`load`](Storage::load); from then until it is dropped, nobody else can open it.
///
/// # What it survives
///
/// A crash at any moment: what was saved is there, or a later state that was being saved. What was
/// loaded is durable, too, whatever the last process left in the kernel's cache. One damaged or
/// unreadable place in the record, at any moment. A save that fails ends it: all later ones fail as
/// well, until the record is opened anew.
///
/// Everything else that is wrong with a record makes [`load`](Storage::load) refuse, and the error
/// says what to do. Never put back an earlier copy of a record: it looks whole, and has forgotten.
///
/// A state may take some 65,000 bytes when encoded.
///
/// ```
/// use elector_core::{Membership, NodeId, actor::Storage};
/// use elector_net::{FileStorage, Identity};
/// use elector_raft::{Raft, RaftDurable};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path().join("node-1");
/// let identity = Identity::of::<Raft>("billing", 1);
/// let nodes = [1, 2, 3].map(NodeId);
/// FileStorage::format(&folder, &identity, nodes)?; // Once: `elector node --init` does this.
///
/// let mut storage = FileStorage::at(&folder, identity);
/// let members = Membership::new(NodeId(1), nodes)?;
/// let saved: Option<RaftDurable> = storage.load(&members).await?;
/// assert_eq!(saved, None, "it has never run");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FileStorage {
    folder: PathBuf,
    identity: Identity,
    on_node_thread: bool,
    record: RecordHandle,
}

impl FileStorage {
    /// The storage of this node in this folder. Opens nothing yet.
    pub fn at(folder: impl Into<PathBuf>, identity: Identity) -> Self {
        Self {
            folder: folder.into(),
            identity,
            on_node_thread: false,
            record: RecordHandle::default(),
        }
    }

    /// Whether to save on the node's own thread; not so by default.
    ///
    /// It spares each save the way to a thread for storage and back: two wake-ups of a thread,
    /// which can take as long as a fast disk does. The price: while the disk works, the node hears
    /// and says nothing. That is while it votes: a leader saves nothing, under any of the
    /// algorithms here, until another campaigns. The command `elector` does so.
    #[must_use]
    pub fn on_node_thread(mut self, yes: bool) -> Self {
        self.on_node_thread = yes;
        self
    }

    /// The record, for [`Tcp::record`](crate::Tcp::record) and for
    /// [`RecordHandle::check`].
    #[must_use]
    pub fn record(&self) -> RecordHandle {
        self.record.clone()
    }

    /// Makes the record of a node that has never run, in a cluster of these nodes, and the folder,
    /// if need be. Whatever a crash in the middle of it leaves is no record, and no obstacle to
    /// making one.
    ///
    /// Never do it for a node that has run and lost its disk: it could vote twice. Give its
    /// successor a new id, while all nodes are stopped: with `elector members`.
    ///
    /// # Errors
    /// If there is a record already, or another has the folder open; if other users may write in
    /// the folder; if a name is empty or too long; if the node is not among the nodes; if the
    /// operating system refuses.
    pub fn format(
        folder: impl AsRef<Path>,
        identity: &Identity,
        nodes: impl IntoIterator<Item = NodeId>,
    ) -> Result<(), RecordError> {
        let folder = folder.as_ref();
        check(identity)?;
        let roster = Roster::first(nodes);
        among(identity, &roster.nodes)?;
        make_folder(folder).map_err(|source| RecordError::Io {
            doing: "make the folder",
            path: folder.to_path_buf(),
            source,
        })?;
        access::check(folder)?;
        let _lock = Lock::of_folder(folder)?;
        let never_run = encode::<()>(None)?;
        let mut dir = Dir(folder.to_path_buf());
        format::format(&mut dir, folder, identity, roster, never_run)
    }

    /// Checks that no other user may write in the folder, if it is there: to write in a folder is
    /// to replace what is in it. A group of this process may, if root owns the folder: Kubernetes
    /// mounts volumes so (`fsGroup`).
    ///
    /// # Errors
    /// If others may write in it; the error says what to do.
    pub fn check_folder(folder: impl AsRef<Path>) -> Result<(), RecordError> {
        access::check(folder.as_ref())
    }

    /// Reads a record, without a lock, and changes nothing. Of a node that is running it may see a
    /// save that is under way.
    ///
    /// # Errors
    /// If a node could not start from it, for whatever is wrong with the record itself.
    pub fn inspect(folder: impl AsRef<Path>) -> Result<RecordSummary, RecordError> {
        let folder = folder.as_ref();
        let mut file = open_record(folder, false)?;
        let path = folder.join(NAME);
        let examined = examine(&mut file, &path)?;
        Ok(RecordSummary::of(examined, path))
    }

    fn load_now<D: Payload>(&mut self, members: &Membership) -> Result<Option<D>, RecordError> {
        self.record.close();
        access::check(&self.folder)?;
        let mut open = open(&self.folder, &self.identity)?;
        let path = self.folder.join(NAME);
        let state = decode(open.slots.state(), &path)?;
        match open.slots.roster() {
            Some(roster) => has_nodes(roster, members.nodes(), &path)?,
            None => {
                among(&self.identity, members.nodes())?;
                tracing::warn!(
                    record = %path.display(), nodes = %Ids(members.nodes()),
                    "the record is of a format without a list of nodes: it takes the present list, \
                     which cannot be changed from now on while a node runs"
                );
                let roster = Roster::first(members.nodes().iter().copied());
                open.slots.save_roster(roster)?;
            }
        }
        self.record.open(open);
        Ok(state)
    }

    fn save_now<D: Payload>(&mut self, durable: &D) -> Result<(), RecordError> {
        let state = encode(Some(durable))?;
        let saved = self.record.save(|slots| slots.save(state));
        saved.unwrap_or_else(|| {
            let folder = self.folder.clone();
            Err(RecordError::NotLoaded { folder })
        })
    }
}

/// The transport may have the record for a little longer.
impl Drop for FileStorage {
    fn drop(&mut self) {
        self.record.close();
    }
}

#[async_trait]
impl<D: Payload> Storage<D> for FileStorage {
    async fn load(&mut self, members: &Membership) -> Result<Option<D>, BoxError> {
        Ok(self.load_now(members)?)
    }

    async fn save(&mut self, durable: &D) -> Result<(), BoxError> {
        Immediate::save_now(self, durable)
    }

    fn immediate(&mut self) -> Option<&mut dyn Immediate<D>> {
        self.on_node_thread.then_some(self as &mut dyn Immediate<D>)
    }
}

impl<D: Payload> Immediate<D> for FileStorage {
    fn save_now(&mut self, durable: &D) -> Result<(), BoxError> {
        let began = now().nanos();
        Self::save_now(self, durable)?;
        let at_ns = now().nanos();
        let took_ns = at_ns.saturating_sub(began);
        tracing::debug!(target: "elector_net::record", at_ns, took_ns, "saved");
        Ok(())
    }

    fn takes_time(&self) -> bool {
        true
    }
}

fn check(identity: &Identity) -> Result<(), RecordError> {
    match identity.is_valid() {
        true => Ok(()),
        false => Err(RecordError::Name(Box::new(identity.clone()))),
    }
}

pub(super) fn encode<D: Payload>(durable: Option<&D>) -> Result<Vec<u8>, RecordError> {
    postcard::to_stdvec(&durable).map_err(RecordError::Unencodable)
}

pub(super) fn decode<D: Payload>(state: &[u8], path: &Path) -> Result<Option<D>, RecordError> {
    let durable = match postcard::take_from_bytes(state) {
        Ok((durable, [])) => Ok(durable),
        Ok(_) => Err(postcard::Error::SerdeDeCustom),
        Err(error) => Err(error),
    };
    durable.map_err(|source| RecordError::Undecodable {
        path: path.to_path_buf(),
        source,
    })
}

/// A node must be on its own list.
pub(super) fn among(identity: &Identity, nodes: &[NodeId]) -> Result<(), RecordError> {
    match nodes.binary_search(&identity.node) {
        Ok(_) => Ok(()),
        Err(_) => Err(RecordError::NotListed {
            node: identity.node,
            nodes: nodes.to_vec(),
        }),
    }
}

/// Opens a record that no other process has open, whosever it is.
pub(super) fn open_as_found(folder: &Path) -> Result<(Open, Identity), RecordError> {
    let identity = FileStorage::inspect(folder)?.identity;
    Ok((open(folder, &identity)?, identity))
}

/// Opens a record that no other process has open.
fn open(folder: &Path, identity: &Identity) -> Result<Open, RecordError> {
    check(identity)?;
    let path = folder.join(NAME);
    // First of all: a lock should not be left in a folder that was named by mistake.
    let file = open_record(folder, true)?;
    let record = Lock::of_record(&file, &path, folder)?;
    // As well: there are processes that know only this one, those that make a record among them.
    let lock = Lock::of_folder(folder)?;
    let place = Place::of(&file, path.clone())?;
    // It may have been replaced before it was locked.
    place.check()?;
    let slots = Slots::open(file, path, identity)?;
    let _locks = [record, lock];
    Ok(Open {
        slots,
        place,
        _locks,
    })
}

fn open_record(folder: &Path, writable: bool) -> Result<File, RecordError> {
    let path = folder.join(NAME);
    let opened = File::options().read(true).write(writable).open(&path);
    opened.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => RecordError::Missing {
            folder: folder.to_path_buf(),
        },
        _ => RecordError::Io {
            doing: "open the record",
            path,
            source,
        },
    })
}
