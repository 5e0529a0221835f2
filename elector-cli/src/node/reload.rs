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

/// Reads the log filter and the certificates again on SIGHUP. A node can change these two settings
/// without a restart.
#[derive(Clone)]
pub(crate) struct Reload {
    /// The settings from flags and variables, which take precedence over the settings file.
    flags: Settings,
    log: Log,
    tls: Option<Tls>,
    /// Whether a thread is reading the settings file.
    is_reading: Arc<AtomicBool>,
}

impl Reload {
    pub(crate) fn new(flags: Settings, log: Log) -> Self {
        Self {
            flags,
            log,
            tls: None,
            is_reading: Arc::default(),
        }
    }

    /// Makes this value read these certificates again, too, when SIGHUP arrives.
    pub(crate) fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Starts to read, and logs the result later. This method never waits: the files may be on a
    /// file server that does not answer, and the thread of the caller must take part in elections.
    pub(crate) fn start(&self) {
        // `Tls` reads the certificates in a separate thread, and logs the result.
        self.tls.iter().for_each(Tls::reload);
        if self.is_reading.swap(true, Ordering::AcqRel) {
            tracing::warn!(target: "elector", "reload ignored: another one is still running");
            return;
        }
        let reload = self.clone();
        let name = "elector-reload".to_owned();
        let started = thread::Builder::new().name(name).spawn(move || {
            match reload.reload_filter() {
                Ok(filter) => tracing::info!(
                    target: "elector",
                    log = filter,
                    "log filter reloaded, certificates are being reloaded: all other settings need \
                     a restart"
                ),
                Err(error) => tracing::warn!(
                    target: "elector",
                    %error,
                    "reload failed: the log filter stays as it was"
                ),
            }
            reload.is_reading.store(false, Ordering::Release);
        });
        if let Err(error) = started {
            self.is_reading.store(false, Ordering::Release);
            tracing::warn!(target: "elector", %error, "reload failed: cannot start a thread");
        }
    }

    /// Reads the settings file, sets the log filter, and returns the filter.
    fn reload_filter(&self) -> Result<String, ServeError> {
        let settings = self.flags.clone().with_file()?;
        let filter = settings
            .log
            .unwrap_or_else(|| log::DEFAULT_FILTER.to_owned());
        self.log.set_filter(&filter)?;
        Ok(filter)
    }
}
