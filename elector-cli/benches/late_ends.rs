//! Measures how late commands end on a busy machine. Each command runs under the lease of
//! `--profile lan`. The bench prolongs the lease for a while, as a leader does, and then stops. The
//! guardian, which is the process that stops a command in time, must have killed the command when
//! the lease ends.
//!
//! `cargo bench -p elector-cli --bench late_ends` ends 5,000 commands beside 10 busy threads. Each
//! end takes an eighth of a second or more. `-- --ends 500 --busy 4` does less.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot continue must stop"
)]

use std::{env, hint, thread, time::Duration};

use elector_cli::run::{CommandHandle, Options, StartParameters};
use elector_core::{Epoch, FencingToken, NodeId, Timing, actor::now};

/// The loss grace (the time from SIGTERM to SIGKILL) and the margin (the time from SIGKILL to the
/// end of the lease) of `elector run` with the profile `lan`.
const LOSS_GRACE: Duration = Duration::from_millis(2);
const MARGIN: Duration = Duration::from_millis(5);

/// How many times the bench prolongs a lease before the lease ends. With each message about a
/// longer lease, the guardian measures how late messages reach it.
const HEARTBEATS: u64 = 10;

fn main() {
    let is_bench = env::args().any(|argument| argument == "--bench");
    let (ends, busy) = if is_bench { (5_000, 10) } else { (3, 1) };
    let ends = number("--ends").unwrap_or(ends);
    // The bench never stops these threads: they end with the process.
    for _ in 0..number("--busy").unwrap_or(busy) {
        thread::spawn(|| {
            loop {
                hint::spin_loop();
            }
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let late = runtime.block_on(late_ends(ends));
    println!("{} of {ends} commands ended after their lease", late.len());
    if let Some(worst) = late.iter().max() {
        println!("the latest was {worst:?} late");
    }
}

fn number(name: &str) -> Option<usize> {
    let mut arguments = env::args().skip_while(|argument| argument != name);
    let value = arguments.nth(1)?;
    Some(value.parse().expect("a number"))
}

/// Starts and ends `ends` commands. Returns how late each command was that ended after its lease.
async fn late_ends(ends: usize) -> Vec<Duration> {
    let timing = Timing::lan();
    let mut options = Options::new(NodeId(1), ["sleep", "1000"]);
    options.executable = env!("CARGO_BIN_EXE_elector").into();
    (options.loss_grace, options.margin) = (LOSS_GRACE, MARGIN);
    options.widen_margin(&timing);
    let mut handle = CommandHandle::spawn(&options).await.unwrap();
    let mut late = Vec::new();
    for epoch in 1..=ends as u64 {
        handle.ready().await.unwrap();
        let mut deadline = now().saturating_add(timing.lease);
        let parameters = StartParameters {
            epoch: Epoch(epoch),
            token: FencingToken::new(Epoch(epoch), 0),
            deadline: Some(deadline),
        };
        handle.start(&parameters).unwrap();
        let mut end = None;
        for _ in 0..HEARTBEATS {
            // On the busy machine, this process can be late, too. It prolongs only a lease that has
            // not ended, as a leader does.
            if let Ok(exited) = tokio::time::timeout(timing.heartbeat, handle.exited()).await {
                end = Some(exited.unwrap());
                break;
            }
            if now() < deadline {
                deadline = now().saturating_add(timing.lease);
                handle.prolong(deadline);
            }
        }
        let end = match end {
            Some(end) => end,
            None => handle.exited().await.unwrap(),
        };
        let delay = end.ended_at.saturating_since(deadline);
        if !delay.is_zero() {
            late.push(delay);
        }
    }
    handle.shutdown().await.unwrap();
    late
}
