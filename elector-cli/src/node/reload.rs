use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use elector_net::Tls;

use super::{
    error::ServeError,
    log::{self, Log},
    settings::Settings,
};

/// What a node reads again on SIGHUP, without a restart.
#[derive(Clone)]
pub(crate) struct Reload {
    /// What flags and environment say, which goes before the file.
    flags: Settings,
    log: Log,
    tls: Option<Tls>,
    /// Whether a thread is at it.
    busy: Arc<AtomicBool>,
}

impl Reload {
    pub(crate) fn new(flags: Settings, log: Log) -> Self {
        Self {
            flags,
            log,
            tls: None,
            busy: Arc::default(),
        }
    }

    /// Reads these certificates again as well.
    pub(crate) fn with(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Reads it, and logs what became of it. Does not wait for that: the file may be on a file
    /// server that does not answer, and the thread that calls this has elections to do.
    pub(crate) fn reload(&self) {
        // On a thread of its own, which says what came of it.
        self.tls.iter().for_each(Tls::reload);
        if self.busy.swap(true, Ordering::AcqRel) {
            tracing::warn!(target: "elector", "told to read again what is still being read");
            return;
        }
        let reload = self.clone();
        let name = "elector-reload".to_owned();
        let begun = thread::Builder::new().name(name).spawn(move || {
            match reload.read() {
                Ok(filter) => tracing::info!(
                    target: "elector",
                    log = filter,
                    "told to read again: the log filter was read, and certificates are being read; \
                     all other settings need a restart"
                ),
                Err(error) => tracing::warn!(
                    target: "elector",
                    %error,
                    "told to read again, and could not: everything stays as it was"
                ),
            }
            reload.busy.store(false, Ordering::Release);
        });
        if let Err(error) = begun {
            self.busy.store(false, Ordering::Release);
            tracing::warn!(target: "elector", %error, "there is no thread to read again on");
        }
    }

    /// What is logged from now on.
    fn read(&self) -> Result<String, ServeError> {
        let settings = self.flags.clone().with_file()?;
        let filter = settings.log.unwrap_or_else(|| log::DEFAULT.to_owned());
        self.log.filter(&filter)?;
        Ok(filter)
    }
}
