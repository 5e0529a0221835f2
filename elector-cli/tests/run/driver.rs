use std::{
    env, fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use elector_cli::run::{Guard, Options, Stdin};

use crate::{STUBBORN, TELL, WITHOUT_LEASE, guard, script, tenure, until, within};

/// What the guardian is entrusted with.
pub(crate) const FAREWELL: &[u8] = b"node and command are dead";

/// A process of its own that has a guard, for the tests that kill nodes: this test program again,
/// running the test below.
pub(crate) struct Driver(pub(crate) Child);

impl Driver {
    /// Starts one that does this, with a folder to do it in.
    pub(crate) fn start(job: &str, folder: &std::path::Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "driver::driver", "--nocapture"]);
        command.env("JOB", job).env("FOLDER", folder);
        // Somebody else's, and not to be handed on.
        command.env("ELECTOR_FENCING_TOKEN", "999");
        for secret in ["ELECTOR_TOKEN", "ELECTOR_TOKEN_FILE", "ELECTOR_TLS_DIR"] {
            command.env(secret, "secret");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// No test: what a driver does. It does nothing unless it is started as one, by the tests that are.
#[tokio::test(flavor = "multi_thread")]
async fn driver() {
    let Ok(job) = env::var("JOB") else {
        return;
    };
    let folder = PathBuf::from(env::var_os("FOLDER").unwrap());
    let pid = folder.join("pid");
    match job.as_str() {
        "hold" => {
            let mut guard = begin(&script(STUBBORN, &pid), &folder).await;
            guard.start(&tenure(60_000)).unwrap();
            within(guard.exited()).await.unwrap();
        }
        "lapse" => {
            let mut guard = begin(&script(STUBBORN, &pid), &folder).await;
            let tenure = tenure(3_000);
            guard.start(&tenure).unwrap();
            let ended = within(guard.exited()).await.unwrap();
            assert!(Some(ended.over) < tenure.deadline);
            write(&folder, "ended", &format!("{:?} {}", ended.why, ended.exit));
        }
        "keep" => {
            let mut guard = begin(&script(STUBBORN, &pid), &folder).await;
            let port = fs::read_to_string(folder.join("port")).unwrap();
            let kept = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
            guard.keeper().keep(&kept).unwrap();
            guard.start(&tenure(60_000)).unwrap();
            within(guard.exited()).await.unwrap();
        }
        "prove" | "let go" | "stay" => {
            let mut guard = begin(&script(STUBBORN, &pid), &folder).await;
            let port = fs::read_to_string(folder.join("port")).unwrap();
            let connection = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
            guard.keeper().entrust(FAREWELL, &connection).unwrap();
            if job == "let go" {
                within(guard.shutdown()).await.unwrap();
            } else {
                guard.start(&tenure(60_000)).unwrap();
                until("the command runs", || pid.exists());
                if job == "prove" {
                    within(guard.exited()).await.unwrap();
                }
                drop(guard);
            }
            write(&folder, "parted", "");
            std::future::pending::<()>().await;
        }
        "bereaved" => {
            let daemon = STUBBORN.replace("$0", "$1").replace('\'', "'\\''");
            let daemon = format!("(setsid sh -c '{daemon}' x $0.daemon &) & {TELL}; wait");
            let mut options = script(&format!("{daemon}; exec sleep 1000"), &pid);
            options.own_children = Some(Vec::new());
            let mut guard = begin(&options, &folder).await;
            guard.start(&tenure(60_000)).unwrap();
            within(guard.exited()).await.unwrap_err();
            write(&folder, "parted", "");
        }
        "read" => {
            let mut options = script("cat > $0; env >> $0; mv $0 $0.whole", &pid);
            options.stdin = Stdin::Inherit;
            let mut guard = begin(&options, &folder).await;
            guard.start(&WITHOUT_LEASE).unwrap();
            within(guard.exited()).await.unwrap();
        }
        "churn" => churn(&script("exec sleep 1000", &pid), &folder).await,
        _ => panic!("no such job: {job}"),
    }
}

/// Starts and stops, 200 times, at every point of a start, and counts what is left.
async fn churn(options: &Options, folder: &std::path::Path) {
    let mut guard = begin(options, folder).await;
    let mut counts = Vec::new();
    for round in 0..200 {
        within(guard.ready()).await.unwrap();
        if round == 20 || round == 199 {
            counts.push(open_files("self"));
            counts.push(open_files(&guard.guardian().to_string()));
        }
        guard.start(&tenure(60_000)).unwrap();
        for _ in 0..round % 8 {
            tokio::task::yield_now().await;
        }
        within(guard.lose()).await.unwrap();
    }
    within(guard.ready()).await.unwrap();
    let guardian = guard.guardian();
    let path = format!("/proc/{guardian}/task/{guardian}/children");
    let children = fs::read_to_string(path).unwrap();
    let waiting = children.split_whitespace().count();
    within(guard.shutdown()).await.unwrap();
    write(folder, "counts", &format!("{counts:?} {waiting}"));
}

async fn begin(options: &Options, folder: &std::path::Path) -> Guard {
    let guard = guard(options).await;
    write(folder, "guardian", &guard.guardian().to_string());
    guard
}

fn open_files(process: &str) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

fn write(folder: &std::path::Path, name: &str, text: &str) {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}
