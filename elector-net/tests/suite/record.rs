//! Tests of the durable record on a real disk: in a node, after `kill -9`, and with other users on
//! the machine.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use elector_core::{
    Epoch, Membership, NodeId,
    actor::{Elector, StartError, Storage},
};
use elector_members::{Members, MembersConfig, MembersDurable};
use elector_net::{FileStorage, Identity, ListChange, RecordError};
use elector_raft::{Raft, RaftConfig, RaftDurable};
use elector_ring::RingDurable;

/// The name of an environment variable. A test starts this test binary a second time, with the
/// variable set. The second process saves in the folder that the variable names until it is killed.
const FOLDER: &str = "ELECTOR_TEST_RECORD";
/// The time limit of every wait of a test.
const LONG: Duration = Duration::from_secs(60);

fn identity() -> Identity {
    Identity::of::<Raft>("billing", 1)
}

fn members<const N: usize>(ids: [u64; N]) -> Membership {
    Membership::new(NodeId(ids[0]), ids.map(NodeId)).expect("a list with its first node")
}

fn made(folder: &Path) -> FileStorage {
    FileStorage::format(folder, &identity(), [1, 2, 3].map(NodeId)).expect("the folder is empty");
    FileStorage::at(folder, identity())
}

fn term(term: u64) -> RaftDurable {
    RaftDurable {
        term: Epoch(term),
        voted_for: Some(NodeId(term % 3)),
        ..RaftDurable::default()
    }
}

async fn load(storage: &mut FileStorage) -> Result<Option<RaftDurable>, RecordError> {
    let loaded = Storage::load(storage, &members([1, 2, 3])).await;
    loaded.map_err(|error| *error.downcast().expect("a record's error"))
}

async fn save(storage: &mut FileStorage, durable: &RaftDurable) -> Result<(), RecordError> {
    let saved = Storage::save(storage, durable).await;
    saved.map_err(|error| *error.downcast().expect("a record's error"))
}

// After a restart, a node must continue from its last saved state. This must hold for saves on the
// node's thread and for saves on a storage thread.
#[tokio::test]
async fn a_node_remembers_across_lives() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("a/b");
    FileStorage::format(&folder, &identity(), [NodeId(1)]).unwrap();
    let mut last = Epoch(0);
    for life in 0..4 {
        let mut storage = FileStorage::at(&folder, identity());
        if life % 2 == 1 {
            storage = storage.on_node_thread();
        }
        let builder = Elector::builder("billing")
            .algorithm::<Raft>()
            .node_id(1)
            .peers([1]);
        let elector = builder.storage(storage).start().await.unwrap();
        let led = elector.campaign();
        let led = tokio::time::timeout(LONG, led).await.unwrap().unwrap();
        assert!(led.epoch() > last, "life {life} leads an epoch of its own");
        last = led.epoch();
        drop(led);
        elector.shutdown().await.unwrap();
    }
    let summary = FileStorage::inspect(&folder).unwrap();
    assert!(summary.has_run() && summary.is_whole());
}

// A node without a record must not create a record by itself: it may have lost an earlier record
// with its votes. The error must say what to do.
#[tokio::test]
async fn a_missing_record_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    for place in [folder.path().to_path_buf(), folder.path().join("none")] {
        let builder = Elector::builder("billing")
            .algorithm::<Raft>()
            .node_id(1)
            .peers([1]);
        let storage = FileStorage::at(&place, identity());
        let error = builder.storage(storage).start().await.unwrap_err();
        assert!(matches!(error, StartError::Load(_)));
        for advice in ["--init", ".format()", "new id"] {
            assert!(error.to_string().contains(advice), "{error}");
        }
        let error = FileStorage::inspect(&place).unwrap_err();
        assert!(matches!(error, RecordError::Missing { .. }));
    }
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "a folder named by mistake gets no files");
}

// If a record were created again, the node would forget its votes. But a file that an interrupted
// creation has left is not a record, and must not prevent the creation.
#[tokio::test]
async fn a_record_is_created_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("record.new"), "half of it").unwrap();
    let mut storage = made(folder.path());
    assert_eq!(load(&mut storage).await.unwrap(), None);
    save(&mut storage, &term(7)).await.unwrap();
    drop(storage);
    let error = FileStorage::format(folder.path(), &identity(), [NodeId(1)]).unwrap_err();
    assert!(matches!(error, RecordError::Exists { .. }));
    let mut storage = FileStorage::at(folder.path(), identity());
    assert_eq!(load(&mut storage).await.unwrap(), Some(term(7)));
}

// If a node with fixed members is upgraded to an algorithm whose members can change, it must keep
// its votes. After that, the node must not run with a fixed list again, because the members may
// have changed.
#[tokio::test]
async fn a_record_with_fixed_members_is_converted_and_keeps_its_votes() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = made(folder.path());
    load(&mut storage).await.unwrap();
    save(&mut storage, &term(7)).await.unwrap();
    drop(storage);
    for _ in 0..2 {
        let mut storage = FileStorage::at(folder.path(), identity());
        let mut config = MembersConfig::<RaftConfig>::default();
        storage
            .prepare::<Members<Raft>>(&mut config, &members([1, 9]))
            .unwrap();
        assert!(config.disk.is_some() && !config.joins);
        assert_eq!(config.first, [1, 2, 3].map(NodeId).into_iter().collect());
        let loaded = Storage::load(&mut storage, &members([1, 9])).await.unwrap();
        let loaded: MembersDurable<RaftDurable> = loaded.unwrap();
        assert_eq!((loaded.algorithm, loaded.roster.version), (term(7), 0));
    }
    let mut storage = FileStorage::at(folder.path(), identity());
    let error = load(&mut storage).await.unwrap_err();
    assert!(
        matches!(error, RecordError::ChangesMembers { .. }),
        "{error}"
    );
    let change = ListChange {
        nodes: vec![NodeId(1)],
        generation: 2,
        floor: Epoch(9),
    };
    let error = FileStorage::change::<Members<Raft>>(folder.path(), &change).unwrap_err();
    assert!(error.to_string().contains("elector members"), "{error}");
}

// If two nodes had different lists of nodes, two leaders could be elected in one epoch. So a node
// must reject a list that differs from its record, and the error must say how to change the list.
#[tokio::test]
async fn another_list_of_nodes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = made(folder.path());
    for other in [&[1, 2][..], &[1, 2, 4], &[1, 2, 3, 4, 5]] {
        let nodes = other.iter().copied().map(NodeId);
        let members = Membership::new(NodeId(1), nodes).unwrap();
        let loaded: Result<Option<RaftDurable>, _> = storage.load(&members).await;
        let error = loaded.unwrap_err().downcast::<RecordError>().unwrap();
        assert!(matches!(*error, RecordError::OtherNodes { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains("1, 2, 3 (generation 1)") && message.contains("elector record set")
        );
    }
    load(&mut storage).await.unwrap();
    let roster = FileStorage::inspect(folder.path()).unwrap().roster.unwrap();
    assert_eq!(
        (roster.nodes, roster.generation),
        ([1, 2, 3].map(NodeId).to_vec(), 1)
    );
}

// If two storages had one record open at the same time, they would overwrite each other's votes.
// The error must name the process that has the record open.
#[tokio::test]
async fn only_one_storage_can_open_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = made(folder.path());
    load(&mut first).await.unwrap();
    let mut second = FileStorage::at(folder.path(), identity());
    let error = load(&mut second).await.unwrap_err();
    assert!(
        matches!(error, RecordError::InUse { process: Some(id), .. } if id == std::process::id())
    );
    assert!(error.to_string().contains("another node of this process"));
    drop(first);
    load(&mut second).await.unwrap();
}

// The lock file may be deleted while a node runs, for example by a cleanup script. A second storage
// must not be able to open the record even then.
#[tokio::test]
async fn only_one_storage_can_open_a_record_without_the_lock_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = made(folder.path());
    load(&mut first).await.unwrap();
    fs::remove_file(folder.path().join("lock")).unwrap();
    let mut second = FileStorage::at(folder.path(), identity());
    let error = load(&mut second).await.unwrap_err();
    assert!(matches!(error, RecordError::InUse { .. }), "{error}");
    let error = FileStorage::stopped::<Raft>(folder.path()).unwrap_err();
    assert!(matches!(error, RecordError::InUse { .. }), "{error}");
    assert!(FileStorage::inspect(folder.path()).is_ok());
    save(&mut first, &term(3)).await.unwrap();
    drop(first);
    assert_eq!(load(&mut second).await.unwrap(), Some(term(3)));
}

// If the record's file was moved away or replaced, the next start does not find the votes that are
// saved in the file. So the save must fail.
#[tokio::test]
async fn nothing_is_saved_after_the_record_has_moved() {
    let place = tempfile::tempdir().unwrap();
    let (folder, aside) = (place.path().join("data"), place.path().join("aside"));
    for replaced in [false, true] {
        let mut storage = made(&folder);
        let record = storage.record();
        assert!(record.check().is_ok(), "the record is not open yet");
        load(&mut storage).await.unwrap();
        save(&mut storage, &term(1)).await.unwrap();
        assert!(record.check().is_ok());
        fs::rename(&folder, &aside).unwrap();
        if replaced {
            fs::create_dir(&folder).unwrap();
            fs::copy(aside.join("record"), folder.join("record")).unwrap();
        }
        let why = if replaced {
            "another file"
        } else {
            "not there"
        };
        let error = record.check().unwrap_err();
        assert!(matches!(error, RecordError::Displaced { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        let error = save(&mut storage, &term(2)).await.unwrap_err();
        assert!(matches!(error, RecordError::Displaced { .. }), "{error}");
        assert_eq!(FileStorage::inspect(&aside).unwrap().sequence, 2);
        drop(storage);
        assert!(record.check().is_ok(), "the record is closed");
        fs::remove_dir_all(&aside).unwrap();
        let _ = fs::remove_dir_all(&folder);
    }
}

// A user who can write in the data folder can replace the record by an old copy, which has
// forgotten votes. So a node must not use such a folder, and the error must say how to repair it.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_others_can_write_in_is_rejected_with_the_command_that_fixes_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o707);
    let error = FileStorage::format(folder.path(), &identity(), [NodeId(1)]).unwrap_err();
    let message = error.to_string();
    let command = format!(
        "(mode 0707), and so replace the record: chmod 0705 {}",
        folder.path().display()
    );
    assert!(message.contains(&command), "{message}");
    assert!(matches!(
        FileStorage::check_folder(folder.path()),
        Err(RecordError::FolderExposed { .. })
    ));
    mode(0o755);
    let mut storage = made(folder.path());
    mode(0o1777);
    let error = load(&mut storage).await.unwrap_err();
    assert!(
        matches!(error, RecordError::FolderExposed { .. }),
        "{error}"
    );
    mode(0o700);
    load(&mut storage).await.unwrap();
}

// Another algorithm with the same name may have saved its state in another format. If the node
// decoded only a part of that state, the part could look like a vote that the node has never cast.
#[tokio::test]
async fn a_state_in_another_format_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = made(folder.path());
    load(&mut storage).await.unwrap();
    save(&mut storage, &term(300)).await.unwrap();
    drop(storage);
    let mut other = FileStorage::at(folder.path(), identity());
    let loaded: Result<Option<RingDurable>, _> = other.load(&members([1, 2, 3])).await;
    let error = loaded.unwrap_err().downcast::<RecordError>().unwrap();
    assert!(matches!(*error, RecordError::Undecodable { .. }), "{error}");
}

// A save before the first load must fail: the record is not open, so the state would not be
// durable.
#[tokio::test]
async fn nothing_is_saved_before_it_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = made(folder.path());
    let error = save(&mut storage, &term(1)).await.unwrap_err();
    assert!(matches!(error, RecordError::NotLoaded { .. }));
}

// Each saved state in a record comes with the names of the cluster and of the algorithm. Without a
// limit for the lengths of these names, there could be no room for the state.
#[tokio::test]
async fn the_length_of_names_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("never made");
    for cluster in [String::new(), "x".repeat(256)] {
        let identity = Identity::of::<Raft>(cluster, 1);
        let error = FileStorage::format(&folder, &identity, [NodeId(1)]).unwrap_err();
        assert!(matches!(error, RecordError::Name(_)));
        let error = load(&mut FileStorage::at(&folder, identity)).await;
        assert!(matches!(error, Err(RecordError::Name(_))));
    }
    assert!(!folder.exists());
}

// `elector node --check-config` reads the record of a node that may be running. The read must not
// change anything, and must work while the node has the record locked.
#[tokio::test]
async fn inspecting_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = made(folder.path());
    let fresh = FileStorage::inspect(folder.path()).unwrap();
    assert!(!fresh.has_run());
    load(&mut storage).await.unwrap();
    save(&mut storage, &term(1)).await.unwrap();
    let before = fs::read(folder.path().join("record")).unwrap();
    let summary = FileStorage::inspect(folder.path()).unwrap();
    assert_eq!((&summary.identity, summary.sequence), (&identity(), 2));
    let line = "node 1 of cluster \"billing\" under raft, saved once; whole";
    assert_eq!(summary.to_string(), line);
    assert_eq!(fs::read(folder.path().join("record")).unwrap(), before);
}

// The beginning of a truncated record is intact, so only the length of the file shows the damage. A
// load must check this length, and must reject the record.
#[tokio::test]
async fn a_truncated_record_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = made(folder.path());
    let file = fs::File::options()
        .write(true)
        .open(folder.path().join("record"))
        .unwrap();
    file.set_len(file.metadata().unwrap().len() - 1).unwrap();
    let error = load(&mut storage).await.unwrap_err();
    assert!(matches!(error, RecordError::Damaged { .. }));
}

// Other users of the machine must not be able to read or change votes.
#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_record() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data");
    FileStorage::format(&folder, &identity(), [NodeId(1)]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in ["record", "lock"] {
        assert_eq!(mode(&folder.join(file)), 0o600);
    }
}

// This function is not a test by itself: the next test runs it in another process and kills that
// process.
#[tokio::test]
async fn saves_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let mut storage = FileStorage::at(&folder, identity());
    let loaded = load(&mut storage).await.unwrap().unwrap_or_default();
    let begun = Instant::now();
    let mut next = loaded.term.0;
    while begun.elapsed() < LONG {
        next += 1;
        save(&mut storage, &term(next)).await.unwrap();
        let line = format!("\nsaved {next}\n");
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
    }
}

/// Returns the numbers of the saves that the child process has printed.
fn saves(child: &mut Child) -> impl Iterator<Item = u64> + use<> {
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    lines.filter_map(|line| line.ok()?.strip_prefix("saved ")?.parse().ok())
}

// This test uses a real kernel. A child process saves, and prints the number of each save after the
// save. When the child is killed, the record must have the last save whose number was printed, or a
// later save. The child's lock on the record must end with the child.
#[cfg(unix)]
#[tokio::test]
async fn a_killed_process_has_saved_what_it_printed() {
    let folder = tempfile::tempdir().unwrap();
    let mut storage = made(folder.path());
    let mut last = 0;
    for round in 1..=8 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "record::saves_until_it_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut saves = saves(&mut child);
        let enough = saves.by_ref().find(|saved| *saved >= last + 20 + 7 * round);
        assert!(enough.is_some(), "the child was not killed");
        let in_use = load(&mut storage).await.unwrap_err();
        assert!(
            in_use.to_string().contains(&child.id().to_string()),
            "{in_use}"
        );
        child.kill().unwrap();
        let said = saves.last().or(enough).unwrap();
        child.wait().unwrap();
        let loaded = load(&mut storage).await.unwrap().unwrap();
        // The process may have been killed between the save and the print.
        assert!(
            (said..=said + 1).contains(&loaded.term.0),
            "{said}, {loaded:?}"
        );
        assert_eq!(loaded, term(loaded.term.0));
        last = loaded.term.0;
        storage = FileStorage::at(folder.path(), identity());
    }
}
