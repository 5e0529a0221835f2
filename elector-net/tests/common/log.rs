//! Records the log of all nodes in one test binary. The tests run at the same time, so a test that
//! reads the log needs node ids that no other test uses.

use std::{
    io::{self, Write},
    sync::{Mutex, Once},
};

static LOGGED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins to record the log, if this was not done before.
pub(crate) fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(|| Log);
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    });
}

/// Returns the number of log lines for which `matches` returns `true`.
pub(crate) fn count(matches: impl Fn(&str) -> bool) -> usize {
    let logged = LOGGED.lock().unwrap();
    let logged = String::from_utf8_lossy(&logged);
    logged.lines().filter(|line| matches(line)).count()
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOGGED.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
