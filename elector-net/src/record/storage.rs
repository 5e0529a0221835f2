use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use elector_core::{
    Configuration, ElectionAlgorithm, Membership, NodeId, Payload,
    actor::{BoxError, Immediate, Storage, now},
};

use super::{
    access,
    disk::{Dir, make_folder},
    error::RecordError,
    examine::examine,
    format::{self, NAME},
    handle::{OpenRecord, RecordHandle},
    identity::Identity,
    location::Location,
    lock::Lock,
    roster::{Ids, Roster, check_nodes},
    slots::Slots,
    state_format::StateFormat,
    summary::RecordSummary,
};

/// A node's durable record, in a folder of its own. This [`Storage`] survives `kill -9` and power
/// cuts. If it is not certain what the last saved state is, the node does not start.
///
/// [`format`](Self::format) creates the record, once in the lifetime of a node.
/// [`load`](Storage::load) opens it. While the record is open, no other storage can open it, in
/// this process or in another one.
///
/// # Which faults the storage survives
///
/// - **A crash at any moment**: the last saved state is there, or a later state whose save had
///   begun. A loaded state is also durable, even if the last process left it only in the kernel's
///   cache.
/// - **One damaged or unreadable place** in the record, at any moment.
/// - **A failed save**: all later saves fail, too, until the record is opened again.
///
/// After any other fault, [`load`](Storage::load) returns an error that says what to do. Never
/// restore an earlier copy of a record: it looks intact, but it has forgotten votes.
///
/// An encoded state can have at most about 65,000 bytes.
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
    state_format: StateFormat,
    /// `true` if [`prepare`](Self::prepare) has opened the record, and the state was not loaded
    /// yet.
    is_prepared: bool,
}

impl FileStorage {
    /// Creates the storage of this node in this folder. Does not open the record yet.
    pub fn at(folder: impl Into<PathBuf>, identity: Identity) -> Self {
        Self {
            folder: folder.into(),
            identity,
            on_node_thread: false,
            record: RecordHandle::default(),
            state_format: StateFormat::FIXED_MEMBERS,
            is_prepared: false,
        }
    }

    /// Opens the record before the node is started, and sets the disk id and the nodes of the
    /// cluster's first start in the configuration of the algorithm ([`Configuration::set_disk`]).
    /// Call this method for an algorithm whose members can change. If the record was written for an
    /// algorithm with fixed members, this method converts the record.
    ///
    /// # Errors
    /// As [`load`](Storage::load).
    pub fn prepare<A: ElectionAlgorithm>(
        &mut self,
        config: &mut A::Config,
        members: &Membership,
    ) -> Result<(), RecordError> {
        self.state_format = StateFormat::of::<A>();
        self.open_now(members)?;
        self.is_prepared = true;
        if let Some(roster) = self.record.roster() {
            config.set_disk(roster.disk, &roster.nodes);
        }
        Ok(())
    }

    /// Saves on the node's own thread. By default, saves run on a storage thread.
    ///
    /// Each save then avoids two wake-ups of a thread, which can take as long as a write to a fast
    /// disk. The disadvantage is that the node does not receive or send messages while the disk
    /// works. This happens only while the node votes: under all algorithms of elector, a leader
    /// saves nothing until another node campaigns. The command `elector` uses this setting.
    #[must_use]
    pub fn on_node_thread(mut self) -> Self {
        self.on_node_thread = true;
        self
    }

    /// Returns a handle of the record, for [`Tcp::record`](crate::Tcp::record) and for
    /// [`RecordHandle::check`].
    #[must_use]
    pub fn record(&self) -> RecordHandle {
        self.record.clone()
    }

    /// Creates the record of a node that has never run, in a cluster of these nodes. Creates the
    /// folder if it is missing. After a crash in this function, there is either a complete record,
    /// or no record, and then `format` can be called again.
    ///
    /// If the members of the algorithm are fixed, never call this function for a node that has run
    /// and lost its disk: that node could vote twice. Instead, put a node with a new id in its
    /// place with `elector record set`, while all nodes are stopped. If the members can change, the
    /// node with the new record is an observer, which does not vote, until an operator makes it a
    /// voter again with `elector members readmit`.
    ///
    /// # Errors
    /// If there is a record, or if another process has the folder open. If other users can write in
    /// the folder. If a name is empty or too long. If the node is not in the list of nodes. If the
    /// operating system reports an error.
    pub fn format(
        folder: impl AsRef<Path>,
        identity: &Identity,
        nodes: impl IntoIterator<Item = NodeId>,
    ) -> Result<(), RecordError> {
        let roster = Roster::first(nodes);
        check_listed(identity, &roster.nodes)?;
        Self::format_with(folder.as_ref(), identity, roster)
    }

    /// Creates the record of a node that joins a running cluster. The node starts as an observer,
    /// which does not vote, and becomes a voter when a change of the members adds it. The members
    /// of the algorithm must be able to change.
    ///
    /// # Errors
    /// As [`format`](Self::format).
    pub fn format_to_join(
        folder: impl AsRef<Path>,
        identity: &Identity,
    ) -> Result<(), RecordError> {
        Self::format_with(folder.as_ref(), identity, Roster::first([]))
    }

    fn format_with(folder: &Path, identity: &Identity, roster: Roster) -> Result<(), RecordError> {
        identity.validate()?;
        make_folder(folder).map_err(RecordError::io("create the folder", folder))?;
        access::check(folder)?;
        let _lock = Lock::of_folder(folder)?;
        let never_run = encode::<()>(None)?;
        let mut dir = Dir(folder.to_path_buf());
        format::format(&mut dir, folder, identity, roster, never_run)
    }

    /// Checks that no other user can write in the folder, if the folder exists: a user who can
    /// write in a folder can replace the files in it. A group of this process may write if root
    /// owns the folder, because Kubernetes mounts volumes this way (`fsGroup`).
    ///
    /// # Errors
    /// If other users can write in the folder. The error says what to do.
    pub fn check_folder(folder: impl AsRef<Path>) -> Result<(), RecordError> {
        access::check(folder.as_ref())
    }

    /// Reads a record without a lock, and changes nothing. If the node is running, this function
    /// may read a save in progress.
    ///
    /// # Errors
    /// If the record itself has a fault, so that a node could not start from it.
    pub fn inspect(folder: impl AsRef<Path>) -> Result<RecordSummary, RecordError> {
        let folder = folder.as_ref();
        let mut file = open_record(folder, File::options().read(true))?;
        let path = folder.join(NAME);
        let examined = examine(&mut file, &path)?;
        Ok(RecordSummary::of(examined, path))
    }

    fn load_now<D: Payload>(&mut self, members: &Membership) -> Result<Option<D>, RecordError> {
        if !std::mem::take(&mut self.is_prepared) {
            self.open_now(members)?;
        }
        let path = self.folder.join(NAME);
        let state = self.record.state();
        let state = state.ok_or_else(|| RecordError::NotLoaded {
            folder: self.folder.clone(),
        })?;
        decode(&state, &path)
    }

    fn open_now(&mut self, members: &Membership) -> Result<(), RecordError> {
        self.record.close();
        access::check(&self.folder)?;
        let mut open = open(&self.folder, &self.identity)?;
        let path = self.folder.join(NAME);
        let converted = self.state_format.state_of(&open.slots, &path)?;
        match open.slots.roster() {
            Some(roster) if self.state_format.changes_members => {
                log_other_nodes(roster, members, open.slots.has_run());
            }
            Some(roster) => check_nodes(roster, members.nodes(), &path)?,
            None => {
                check_listed(&self.identity, members.nodes())?;
                tracing::warn!(
                    record = %path.display(), nodes = %Ids(members.nodes()),
                    "record has an old format without a list of nodes: it takes the given list, \
                     which can then be changed only while all nodes are stopped"
                );
                let roster = Roster::first(members.nodes().iter().copied());
                open.slots.save(|slot| slot.roster = Some(roster))?;
            }
        }
        if let Some(state) = converted {
            open.slots.save(|slot| {
                (slot.changes_members, slot.state) = (true, state);
            })?;
        }
        self.record.open(open);
        Ok(())
    }

    fn save_now<D: Payload>(&mut self, durable: &D) -> Result<(), RecordError> {
        let state = encode(Some(durable))?;
        let saved = self.record.save(|slot| slot.state = state);
        saved.unwrap_or_else(|| {
            let folder = self.folder.clone();
            Err(RecordError::NotLoaded { folder })
        })
    }
}

/// Closes the record. Otherwise the record would stay open as long as the transport of the node
/// keeps its [`RecordHandle`].
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

/// Logs if the list of peers with which the node is started differs from the list of its first
/// start.
fn log_other_nodes(first: &Roster, members: &Membership, has_run: bool) {
    let is_named = members.len() > 1 && !first.nodes.is_empty();
    if has_run && is_named && first.nodes != members.nodes() {
        tracing::info!(
            node = members.me().0, first = %Ids(&first.nodes), named = %Ids(members.nodes()),
            "list of peers differs from that of the first start: it gives addresses only, because \
             the record names the members"
        );
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
    durable.map_err(|error| RecordError::Undecodable {
        path: path.to_path_buf(),
        error,
    })
}

/// Checks that a node is in its own list of nodes.
pub(super) fn check_listed(identity: &Identity, nodes: &[NodeId]) -> Result<(), RecordError> {
    match nodes.binary_search(&identity.node) {
        Ok(_) => Ok(()),
        Err(_) => Err(RecordError::NotListed {
            node: identity.node,
            nodes: nodes.to_vec(),
        }),
    }
}

/// Opens a record that no other process has open. Takes the identity of the node from the record,
/// and also returns the identity.
pub(super) fn open_as_found(folder: &Path) -> Result<(OpenRecord, Identity), RecordError> {
    let identity = FileStorage::inspect(folder)?.identity;
    Ok((open(folder, &identity)?, identity))
}

/// Opens a record that no other process has open.
fn open(folder: &Path, identity: &Identity) -> Result<OpenRecord, RecordError> {
    identity.validate()?;
    let path = folder.join(NAME);
    // The record is opened before a lock is taken. So a folder without a record, which was named by
    // mistake, gets no lock file.
    let file = open_record(folder, File::options().read(true).write(true))?;
    let record = Lock::of_record(&file, &path, folder)?;
    // Both locks are necessary: some processes, such as those that create a record, take only the
    // lock of the folder.
    let lock = Lock::of_folder(folder)?;
    let location = Location::of(&file, path.clone())?;
    // Another file may have replaced the record after it was opened and before it was locked.
    location.check()?;
    let slots = Slots::open(file, path, identity)?;
    let _locks = [record, lock];
    Ok(OpenRecord {
        slots,
        location,
        _locks,
    })
}

fn open_record(folder: &Path, options: &OpenOptions) -> Result<File, RecordError> {
    let path = folder.join(NAME);
    options.open(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => RecordError::Missing {
            folder: folder.to_path_buf(),
        },
        _ => RecordError::io("open the record", &path)(error),
    })
}
