use std::{
    env, fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use elector_cli::run::{CommandHandle, Options, Stdin};

use crate::{STUBBORN, WITHOUT_LEASE, WRITE_PID, parameters, script, spawn, until, within};

/// The farewell that a driver entrusts to its guardian: the bytes that prove to peers that the node
/// is dead.
pub(crate) const FAREWELL: &[u8] = b"node and command are dead";

/// A process with a `CommandHandle`, like a node, for the tests that kill or stop the node. The
/// process is this test program, and runs the test function `driver` below.
pub(crate) struct Driver(pub(crate) Child);

impl Driver {
    /// Starts a driver that does the job with this name: see the function `driver` below. The
    /// driver writes its results into this folder.
    pub(crate) fn start(job: &str, folder: &std::path::Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "driver::driver", "--nocapture"]);
        command.env("JOB", job).env("FOLDER", folder);
        // This token belongs to another leadership, and the command must not get it.
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

// This function is no test, but the main function of a driver. It does nothing unless a test has
// started it as a driver.
#[tokio::test(flavor = "multi_thread")]
async fn driver() {
    let Ok(job) = env::var("JOB") else {
        return;
    };
    let folder = PathBuf::from(env::var_os("FOLDER").unwrap());
    let pid = folder.join("pid");
    match job.as_str() {
        "run" => {
            let mut handle = begin(&script(STUBBORN, &pid), &folder).await;
            handle.start(&parameters(60_000)).unwrap();
            within(handle.exited()).await.unwrap();
        }
        "run until the lease ends" => {
            let mut handle = begin(&script(STUBBORN, &pid), &folder).await;
            let parameters = parameters(3_000);
            handle.start(&parameters).unwrap();
            let end = within(handle.exited()).await.unwrap();
            assert!(Some(end.ended_at) < parameters.deadline);
            write(&folder, "end", &format!("{:?} {}", end.reason, end.exit));
        }
        "keep a socket" => {
            let mut handle = begin(&script(STUBBORN, &pid), &folder).await;
            let port = fs::read_to_string(folder.join("port")).unwrap();
            let kept = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
            handle.guardian_sockets().keep(&kept).unwrap();
            handle.start(&parameters(60_000)).unwrap();
            within(handle.exited()).await.unwrap();
        }
        "entrust" | "entrust, shut down" | "entrust, drop" => {
            let mut handle = begin(&script(STUBBORN, &pid), &folder).await;
            let port = fs::read_to_string(folder.join("port")).unwrap();
            let connection = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
            handle
                .guardian_sockets()
                .entrust(FAREWELL, &connection)
                .unwrap();
            if job == "entrust, shut down" {
                within(handle.shutdown()).await.unwrap();
            } else {
                handle.start(&parameters(60_000)).unwrap();
                until("the command runs", || pid.exists());
                if job == "entrust" {
                    within(handle.exited()).await.unwrap();
                }
                drop(handle);
            }
            write(&folder, "done", "");
            std::future::pending::<()>().await;
        }
        "run with a daemon" => {
            let daemon = STUBBORN.replace("$0", "$1").replace('\'', "'\\''");
            let daemon = format!("(setsid sh -c '{daemon}' x $0.daemon &) & {WRITE_PID}; wait");
            let mut options = script(&format!("{daemon}; exec sleep 1000"), &pid);
            options.own_children = Some(Vec::new());
            let mut handle = begin(&options, &folder).await;
            handle.start(&parameters(60_000)).unwrap();
            within(handle.exited()).await.unwrap_err();
            write(&folder, "done", "");
        }
        "inherit stdin" => {
            let mut options = script("cat > $0; env >> $0; mv $0 $0.whole", &pid);
            options.stdin = Stdin::Inherit;
            let mut handle = begin(&options, &folder).await;
            handle.start(&WITHOUT_LEASE).unwrap();
            within(handle.exited()).await.unwrap();
        }
        "200 tenures" => start_and_stop(&script("exec sleep 1000", &pid), &folder).await,
        _ => panic!("no such job: {job}"),
    }
}

/// Starts the command 200 times, and stops it at different points of its start. Writes how many
/// files are open early and late, and how many processes are left at the end.
async fn start_and_stop(options: &Options, folder: &std::path::Path) {
    let mut handle = begin(options, folder).await;
    let mut counts = Vec::new();
    for round in 0..200 {
        within(handle.ready()).await.unwrap();
        if round == 20 || round == 199 {
            counts.push(open_files("self"));
            counts.push(open_files(&handle.guardian_pid().to_string()));
        }
        handle.start(&parameters(60_000)).unwrap();
        for _ in 0..round % 8 {
            tokio::task::yield_now().await;
        }
        within(handle.lose()).await.unwrap();
    }
    within(handle.ready()).await.unwrap();
    let guardian = handle.guardian_pid();
    let path = format!("/proc/{guardian}/task/{guardian}/children");
    let children = fs::read_to_string(path).unwrap();
    let waiting = children.split_whitespace().count();
    within(handle.shutdown()).await.unwrap();
    write(folder, "counts", &format!("{counts:?} {waiting}"));
}

async fn begin(options: &Options, folder: &std::path::Path) -> CommandHandle {
    let handle = spawn(options).await;
    write(folder, "guardian", &handle.guardian_pid().to_string());
    handle
}

fn open_files(process: &str) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).unwrap().count()
}

fn write(folder: &std::path::Path, name: &str, text: &str) {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.join(name)).unwrap();
}
