use std::{
    io,
    path::{Path, PathBuf},
};

use elector_core::{NodeId, debug_as_text};
use thiserror::Error;

use super::{
    identity::{Identity, LONGEST_NAME},
    roster::Ids,
};

/// The reason why a record could not be created, read or written. A node must not run after any of
/// these errors. The text of the error says what to do.
#[derive(Error)]
#[non_exhaustive]
pub enum RecordError {
    /// There is no record in the data folder.
    #[error(
        "there is no record in {}. If this node has never run, create it, once: with `elector node \
         --init`, or in a program with `.format()` of the node's builder. If the disk of this node \
         was lost, the node has forgotten its votes, and must not vote twice. {REPLACE}",
        .folder.display()
    )]
    Missing {
        /// The folder without a record.
        folder: PathBuf,
    },
    /// The builder of the node has no node id.
    #[error("the node has no id: call `node_id` on the builder before `data_dir`")]
    NoNodeId,
    /// A record cannot be created, because the folder already has one.
    #[error(
        "there is a record in {} already, and its contents must not be forgotten: start the node \
         without `--init`, and without a call of `.format()`", .folder.display()
    )]
    Exists {
        /// The folder of the record.
        folder: PathBuf,
    },
    /// The record belongs to another node, another cluster or another algorithm.
    #[error(
        "the record {} is that of {found}, but this is {wanted}: start it with its own data folder",
        .path.display()
    )]
    Foreign {
        /// The path of the record.
        path: PathBuf,
        /// The identity in the record.
        found: Box<Identity>,
        /// The identity of this node.
        wanted: Box<Identity>,
    },
    /// The record names other nodes than the list with which the node was started.
    #[error(
        "the record {} was made for the nodes {} (generation {generation}), and the given list is \
         {}. Use the list of the record. Addresses may change node by node, but ids may not: two \
         lists can elect two leaders at once. To change the list, stop all nodes, then use \
         `elector record set`", .path.display(), Ids(.found), Ids(.wanted)
    )]
    OtherNodes {
        /// The path of the record.
        path: PathBuf,
        /// The nodes that the record names.
        found: Vec<NodeId>,
        /// The generation of the list in the record: 1, plus the number of changes of the list.
        generation: u64,
        /// The nodes in the list with which this node was started.
        wanted: Vec<NodeId>,
    },
    /// The record is that of a node whose members can change while it runs, so it cannot be used
    /// with a fixed list of nodes.
    #[error(
        "the record {} is that of a node whose members can change while it runs. Start it with the \
         command `elector`, or with `Members<_>` in a program. Change the members with `elector \
         members`; if a majority of the voters is lost, use `elector recover`", .path.display()
    )]
    ChangesMembers {
        /// The path of the record.
        path: PathBuf,
    },
    /// The node is not in its own list of nodes.
    #[error("node {node} is not in the list of nodes: {}", Ids(.nodes))]
    NotListed {
        /// The id of the node.
        node: NodeId,
        /// The ids in the list.
        nodes: Vec<NodeId>,
    },
    /// The generation of the new list of nodes is not higher than the generation of the list in the
    /// record. The generation counts the changes of a list.
    #[error(
        "the record in {} has generation {generation} of the list of nodes: give the new list a \
         higher generation, the same on all nodes", .folder.display()
    )]
    OldGeneration {
        /// The folder of the record.
        folder: PathBuf,
        /// The generation of the list in the record, which counts the changes of the list.
        generation: u64,
    },
    /// The given [floor](crate::ListChange::floor), which must be the highest epoch in the records
    /// of all nodes, is below the epoch in this record, or too far above it.
    #[error(
        "the record in {} has epoch {epoch}, so {floor} cannot be the highest epoch of all \
         records: check it with `elector record show`", .folder.display()
    )]
    Floor {
        /// The folder of the record.
        folder: PathBuf,
        /// The epoch in the record.
        epoch: u64,
        /// The floor that the caller gave.
        floor: u64,
    },
    /// The epoch in the record must rise above a [floor](crate::ListChange::floor), so that the
    /// node takes no part in earlier epochs. But this algorithm cannot do this, or there is no
    /// epoch above the floor.
    #[error("{algorithm} cannot raise the epoch of the record: use a new cluster")]
    NoFloor {
        /// The name of the algorithm.
        algorithm: &'static str,
    },
    /// A newer version of elector wrote the record.
    #[error(
        "the record {} has format {found}, and this elector reads formats up to {known}: run the \
         newer elector that wrote it", .path.display()
    )]
    Newer {
        /// The path of the record.
        path: PathBuf,
        /// The number of the format of the record.
        found: u32,
        /// The number of the newest format that this version of elector reads.
        known: u32,
    },
    /// The record does not show with certainty which votes and other pledges (messages that bind a
    /// node in an epoch) the node has made.
    #[error(
        "the record {} is damaged: {what}. Do not restore an earlier copy: the node would \
         have forgotten votes and could vote twice. {REPLACE}",
        .path.display()
    )]
    Damaged {
        /// The path of the record.
        path: PathBuf,
        /// A description of the damage.
        what: String,
    },
    /// The record is intact, but this algorithm cannot decode the state in it.
    #[error(
        "the state saved in {} cannot be decoded; was it saved by another version of the \
         algorithm? Run that version: {error}",
        .path.display()
    )]
    Undecodable {
        /// The path of the record.
        path: PathBuf,
        /// The error of the decoder.
        error: postcard::Error,
    },
    /// A state could not be encoded.
    #[error("the state cannot be encoded: {0}")]
    Unencodable(postcard::Error),
    /// A state is longer than the space that the record has for one state.
    #[error("the state takes {bytes} bytes, but a record holds at most {most}: save less in it")]
    TooLong {
        /// The length of the encoded state, in bytes.
        bytes: usize,
        /// The length of the longest state that fits, in bytes.
        most: usize,
    },
    /// The name of the cluster or the name of the algorithm is empty or too long.
    #[error("the names of cluster and algorithm must have 1 to {LONGEST_NAME} bytes: {0:?}")]
    Name(Box<Identity>),
    /// Another process, or another node of this process, has the record open.
    #[error("the record in {} is in use by {}: a node must run only once", .folder.display(),
        user(*.process))]
    InUse {
        /// The folder of the record.
        folder: PathBuf,
        /// The process id that the process with the open record has written into the lock file. If
        /// that process runs in a container, this is its id in the container. `None` if the lock
        /// file has no process id.
        process: Option<u32>,
    },
    /// Other users can write in the folder, so they can delete or replace the record.
    #[error(
        "other users can write in the data folder {folder} (mode {mode:04o}), and so replace the \
         record: chmod {allowed:04o} {folder}. If the folder is a volume whose mode cannot be \
         changed, use a new folder in it, which `--init` and `.format()` create",
        folder = .folder.display()
    )]
    FolderExposed {
        /// The data folder.
        folder: PathBuf,
        /// The mode of the folder.
        mode: u32,
        /// The same mode without the permissions of other users to write.
        allowed: u32,
    },
    /// The path of an open record does not lead to the record's file any more.
    #[error(
        "the record {} was deleted, moved or replaced while this node ran ({why}): later saves \
         would be lost. Put the folder back in its place, then start the node again. \
         If it is lost: {REPLACE}", .path.display()
    )]
    Displaced {
        /// The path of the record.
        path: PathBuf,
        /// What the path leads to now.
        why: String,
    },
    /// The operating system could not carry out an action on a file or folder.
    #[error("could not {doing} {}: {error}", .path.display())]
    Io {
        /// The action that failed, in words.
        doing: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The disk cannot read a part of the record that may hold the newest state.
    #[error(
        "the record {} cannot be read, and the missing part may hold the newest state. Check the \
         disk and start the node again. If the error remains: {REPLACE}: {error}", .path.display()
    )]
    Read {
        /// The path of the record.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A state could not be written. The contents of the disk are unknown now.
    #[error(
        "the record {} could not be written, and may hold the old state or the new one. Check the \
         disk, then start the node again: {error}", .path.display()
    )]
    Write {
        /// The path of the record.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// An earlier save failed, so this save was not tried. Even if this save seemed to succeed, the
    /// state might not be durable: the kernel may have dropped bytes that it could not write to the
    /// disk before.
    #[error("an earlier save to {} failed: start the node again", .path.display())]
    Failed {
        /// The path of the record.
        path: PathBuf,
    },
    /// A save was requested before the first load.
    #[error("the record in {} has not been loaded: load it before the first save",
        .folder.display())]
    NotLoaded {
        /// The folder of the record.
        folder: PathBuf,
    },
}

debug_as_text!(RecordError);

impl RecordError {
    /// Returns a function that converts an error of the operating system. The error occurred in the
    /// action `doing`, such as "open the record", on the file or folder `path`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Io {
            doing,
            path: path.to_path_buf(),
            error,
        }
    }
}

/// The advice for a node whose record is lost.
const REPLACE: &str = "Under raft and paxos of the command `elector`, start the node with --join \
                       and an empty folder, and use `elector members readmit`. If the members are \
                       fixed (bully, ring), put a node with a new id in its place with `elector \
                       record set`, while all nodes are stopped";

fn user(process: Option<u32>) -> String {
    match process {
        Some(id) if id == std::process::id() => "another node of this process".into(),
        Some(id) => format!("process {id}"),
        None => "another process".into(),
    }
}
