use std::{ffi::OsString, os::unix::process::CommandExt, process::Command, time::Duration};

use elector_cli::run::Options;
use elector_core::actor::now;
use tokio::{io::AsyncReadExt, net::unix::pipe};

use crate::{Folder, guard, script, tenure, within};

const ROUNDS: usize = 500;

// No test: how long it takes from the word to start until the command's first byte, beside the same
// command started plainly. Run it by
// `cargo test --release -p elector-cli --test run latency -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it prints times, and proves nothing"]
async fn from_the_start_to_the_first_byte() {
    for command in [
        &["sh", "-c", "echo > $0"][..],
        &["dd", "if=/dev/zero", "bs=1", "count=1", "status=none"],
    ] {
        let folder = Folder::new();
        let path = folder.path("pipe");
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let mut words: Vec<OsString> = command.iter().map(OsString::from).collect();
        let mut output = path.clone().into_os_string();
        if words[0] == "dd" {
            output = OsString::from("of=");
            output.push(&path);
        }
        words.push(output);
        let options = Options {
            command: words.clone(),
            ..script("", &path)
        };
        let mut guard = guard(&options).await;
        let mut first = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(&path)
            .unwrap();
        let (mut guarded, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            within(guard.ready()).await.unwrap();
            // As between elections: what waits for the word has begun to wait.
            tokio::time::sleep(Duration::from_millis(5)).await;
            let start = now().nanos();
            guard.start(&tenure(60_000)).unwrap();
            first.read_u8().await.unwrap();
            guarded.push(now().nanos() - start);
            within(guard.exited()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            let start = now().nanos();
            let mut child = Command::new(&words[0]);
            let mut child = child.args(&words[1..]).process_group(0).spawn().unwrap();
            first.read_u8().await.unwrap();
            plain.push(now().nanos() - start);
            child.wait().unwrap();
        }
        let (guarded, plain) = (figures(guarded), figures(plain));
        println!("{:4} guarded {guarded}, plainly {plain}", command[0]);
    }
}

fn figures(mut nanos: Vec<u64>) -> String {
    nanos.sort_unstable();
    let at = |percent: usize| nanos[(nanos.len() - 1) * percent / 100] / 1_000;
    format!("p50 {} µs, p99 {} µs", at(50), at(99))
}
