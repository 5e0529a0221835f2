use std::{io, path::PathBuf};

use elector_core::NodeId;
use thiserror::Error;

use super::{
    identity::{Identity, LONGEST_NAME},
    roster::Ids,
};

/// Why a record could not be made, read or written. A node must not run after any of these; the
/// message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There is no record.
    #[error(
        "there is no record in {}. If this node has never run, make one (`--init`, once). If its \
         disk was lost, do not: it would have forgotten its votes and could vote twice. {REPLACE}",
        .folder.display()
    )]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
    },
    /// A record was to be made where there is one.
    #[error(
        "there is a record in {} already, and what is in it must not be forgotten: start the node \
         without `--init`", .folder.display()
    )]
    Exists {
        /// Where it is.
        folder: PathBuf,
    },
    /// The record is another's.
    #[error(
        "the record {} is that of {found}, and this is {wanted}: start it with its own data folder",
        .path.display()
    )]
    Foreign {
        /// The record.
        path: PathBuf,
        /// Whose it is.
        found: Box<Identity>,
        /// Whose it should be.
        wanted: Box<Identity>,
    },
    /// The record was made for other nodes.
    #[error(
        "the record {} was made for the nodes {} (generation {generation}), and the list given is \
         {}. Give the list of the record: addresses may be changed node by node, ids may not, for \
         two lists can elect two leaders at once. To change the list, stop all nodes, then use \
         `elector members`", .path.display(), Ids(.found), Ids(.wanted)
    )]
    OtherNodes {
        /// The record.
        path: PathBuf,
        /// The nodes that it names.
        found: Vec<NodeId>,
        /// The generation of that list.
        generation: u64,
        /// The nodes that were given.
        wanted: Vec<NodeId>,
    },
    /// The node is not on its own list.
    #[error("node {node} is not in the list of nodes: {}", Ids(.nodes))]
    NotListed {
        /// The node.
        node: NodeId,
        /// The list.
        nodes: Vec<NodeId>,
    },
    /// The list of nodes was to be changed to an older one.
    #[error(
        "the record in {} has generation {generation} of the list of nodes: give the new list a \
         higher one, the same on all nodes", .folder.display()
    )]
    OldGeneration {
        /// Where the record is.
        folder: PathBuf,
        /// The generation of its list.
        generation: u64,
    },
    /// The epochs of a node were to be given a floor that does not fit.
    #[error(
        "the record in {} has epoch {epoch}, and {floor} cannot be the highest epoch of all \
         records: look again with `elector members show`", .folder.display()
    )]
    Floor {
        /// Where the record is.
        folder: PathBuf,
        /// Its epoch.
        epoch: u64,
        /// The floor that was given.
        floor: u64,
    },
    /// The epochs of this algorithm cannot be given a floor.
    #[error("the list of nodes of {algorithm} cannot be changed: it does not raise its epochs")]
    NoFloor {
        /// The algorithm.
        algorithm: &'static str,
    },
    /// The record was written by a newer elector.
    #[error(
        "the record {} has format {found}, and this elector knows formats up to {known}: run the \
         newer elector that wrote it", .path.display()
    )]
    Newer {
        /// The record.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// The record does not say for certain what the node has promised.
    #[error(
        "the record {} is damaged: {what}. A copy of it from earlier is no remedy, and neither is \
         a new one: the node would have forgotten votes and could vote twice. {REPLACE}",
        .path.display()
    )]
    Damaged {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The record is whole, and what was saved in it is not what this algorithm saves.
    #[error(
        "the state saved in {} cannot be understood; was it saved by another version of the \
         algorithm? Run that version: {source}",
        .path.display()
    )]
    Undecodable {
        /// The record.
        path: PathBuf,
        /// What the decoder says.
        source: postcard::Error,
    },
    /// A state could not be encoded.
    #[error("the state cannot be encoded: {0}")]
    Unencodable(#[source] postcard::Error),
    /// A state is longer than a slot of the record.
    #[error("the state takes {bytes} bytes, and the record has room for {most}: keep less in it")]
    TooLong {
        /// Its length when encoded.
        bytes: usize,
        /// The length that fits.
        most: usize,
    },
    /// A name is empty or too long.
    #[error("the names of cluster and algorithm must have 1 to {LONGEST_NAME} bytes: {0:?}")]
    Name(Box<Identity>),
    /// Another process, or another node of this one, has the record open.
    #[error("the record in {} is in use by {}: a node runs once only", .folder.display(),
        user(*.process))]
    InUse {
        /// Where it is.
        folder: PathBuf,
        /// The id of the process that uses it, as that process saw it; `None` if it left none.
        process: Option<u32>,
    },
    /// Other users may write in the folder, and so delete the record, or put another in its place.
    #[error(
        "other users can write in the data folder {folder} (mode {mode:04o}), and so replace the \
         record: chmod {allowed:04o} {folder}. If the folder is a volume whose mode cannot be \
         changed, use a new folder in it, which `--init` makes", folder = .folder.display()
    )]
    FolderExposed {
        /// The folder.
        folder: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode that it may have.
        allowed: u32,
    },
    /// An open record is not in its place any more.
    #[error(
        "the record {} was deleted, moved or replaced while this node ran ({why}): what is saved \
         from now on would be lost. Put the folder back where it was, then start the node again. \
         If it is lost: {REPLACE}", .path.display()
    )]
    Displaced {
        /// Where it was.
        path: PathBuf,
        /// What is there now.
        why: String,
    },
    /// The operating system refused to open or to make something.
    #[error("could not {doing} {}: {source}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The disk does not give what may be the newest state.
    #[error(
        "the record {} cannot be read, and the newest state may be in what is missing. See to the \
         disk and start the node again. If it stays so: {REPLACE}: {source}", .path.display()
    )]
    Read {
        /// The record.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A state could not be written. What the disk holds now is not known.
    #[error(
        "the record {} could not be written, and may hold the old state or the new. See to the \
         disk, then start the node again: {source}", .path.display()
    )]
    Write {
        /// The record.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// An earlier save failed. A second try proves nothing: the kernel may have forgotten what it
    /// could not write.
    #[error("an earlier save to {} failed: start the node again", .path.display())]
    Failed {
        /// The record.
        path: PathBuf,
    },
    /// A save without a load before it.
    #[error("the record in {} has not been loaded: load it before the first save",
        .folder.display())]
    NotLoaded {
        /// Where it is.
        folder: PathBuf,
    },
}

/// How a node whose record is lost is replaced.
const REPLACE: &str = "Stop all nodes, then put a node with a new id in its place with `elector \
                       members`: a list that is changed while nodes run can elect two leaders";

fn user(process: Option<u32>) -> String {
    match process {
        Some(id) if id == std::process::id() => "another node of this process".into(),
        Some(id) => format!("process {id}"),
        None => "another process".into(),
    }
}
