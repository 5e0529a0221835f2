use std::{
    future::pending,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use elector_cli::run::{Backoff, ExitPolicy, Options, supervise};
use elector_core::{
    Configuration, NodeId, Quorum, Timing,
    actor::{Cluster, ClusterSetup, Elector, Grace, Leadership},
};
use elector_raft::Raft;
use tokio::{sync::mpsc, time::sleep};

use crate::{Folder, STUBBORN, has_ended, script, spawn, within};

const LEASE: Duration = Duration::from_millis(1000);

/// Takes part in elections and runs this command while the node leads, in a separate runtime. The
/// runtime hangs from the start of the command until the sender of `released` is dropped.
fn lead(elector: &Elector<Quorum>, options: &Options, folder: &Folder, released: Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let pid = folder.path("pid");
    runtime.spawn(async move {
        while !pid.exists() {
            sleep(Duration::from_millis(1)).await;
        }
        // `recv` blocks the only thread of the runtime until the sender is dropped.
        let _ = released.recv();
    });
    runtime.block_on(async {
        let state = tokio::sync::Mutex::new((spawn(options).await, Backoff::default()));
        let grace = Grace {
            to_finish: Duration::ZERO,
            to_clean_up: Duration::MAX,
        };
        let work = |me: Leadership<Quorum>| async {
            let me = me;
            let mut state = state.lock().await;
            let (handle, backoff) = &mut *state;
            let work = supervise(&me, handle, ExitPolicy::Restart, backoff);
            me.watched(LEASE, work).await.map(drop)
        };
        elector.lead_with(grace, work).await.unwrap();
        within(state.into_inner().0.shutdown()).await.unwrap();
    });
}

// The supervisor is the code of the node that starts and stops the command. While it hangs, the
// guardian stops the command when the lease ends, and the supervisor cannot start the command
// again. The node must not continue to lead. When the command of the next leader starts, the
// command of this node must be dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_supervisor_hangs_gives_leadership_up() {
    let mut setup = ClusterSetup::<Raft>::new(3);
    *setup.config.timing_mut() = Timing {
        heartbeat: Duration::from_millis(50),
        lease: LEASE,
        election_min: Duration::from_millis(1200),
        election_max: Duration::from_millis(1700),
        round_trip: Duration::from_millis(500),
    };
    let cluster = within(Cluster::start_with(setup)).await.unwrap();
    let first = within(cluster.leader()).await;
    let (started, mut starts) = mpsc::unbounded_channel::<NodeId>();
    for elector in cluster
        .running()
        .filter(|elector| elector.node_id() != first)
    {
        let (elector, started) = (elector.clone(), started.clone());
        tokio::spawn(async move {
            let work = elector.lead(|_| {
                let _ = started.send(elector.node_id());
                pending::<()>()
            });
            work.await
        });
    }
    let folder = Arc::new(Folder::new());
    let (release, released) = channel();
    let supervisor = thread::spawn({
        let elector = cluster.node(first).unwrap().clone();
        let folder = Arc::clone(&folder);
        move || {
            let options = Options {
                margin: Duration::from_millis(400),
                ..script(STUBBORN, &folder.path("pid"))
            };
            lead(&elector, &options, &folder, released);
        }
    });
    let next = within(starts.recv()).await.unwrap();
    assert!(has_ended(folder.pid("pid")), "two commands at once");
    assert_ne!(next, first);
    drop(release);
    within(cluster.shutdown()).await;
    supervisor.join().unwrap();
}
