use std::{
    boxed::Box,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use async_trait::async_trait;

use super::{error::panic_text, transport::BoxError};

/// Where a node keeps what it must still know after a crash: the seam for disks.
///
/// A node that has stopped does not wait for a disk that is stuck: its storage is dropped when the
/// last save has ended, and that may be later. If the same place could be opened again by then,
/// the storage must hold a lock on it until it is dropped, or the late save of one life would
/// overwrite what the next one has promised.
#[async_trait]
pub trait Storage<D>: Send + 'static {
    /// Reads what was last saved; `None` for a node that has never run. Never called after
    /// [`save`](Self::save).
    ///
    /// # Errors
    /// If it cannot be read, or is damaged: the node must not start, for one that forgets may vote
    /// twice.
    async fn load(&mut self) -> Result<Option<D>, BoxError>;

    /// Writes it, and returns when it would survive a power cut. Runs on a thread of its own: it
    /// may block.
    ///
    /// # Errors
    /// If it may not be durable. The node then stops: after a failed flush nobody knows what the
    /// disk holds, and a second try proves nothing.
    async fn save(&mut self, durable: &D) -> Result<(), BoxError>;

    /// For storage that never blocks, such as memory: saved on the node's own thread, at once.
    fn immediate(&mut self) -> Option<&mut dyn Immediate<D>> {
        None
    }
}

/// Storage that takes no time.
pub trait Immediate<D>: Send {
    /// As [`Storage::save`].
    ///
    /// # Errors
    /// As [`Storage::save`].
    fn save_now(&mut self, durable: &D) -> Result<(), BoxError>;
}

/// What a store says when it has done its work: the number of the step, or what went wrong.
pub(super) type Saved = Result<u64, Arc<BoxError>>;

/// A node's way to its storage.
pub(super) enum Store<D> {
    Here(Box<dyn Storage<D>>),
    /// To a thread that saves in order, and tells the node when it has.
    There(Sender<(u64, D)>),
}

impl<D: Send + 'static> Store<D> {
    /// `done` is called, on the store's thread, after each save.
    pub(super) fn new(
        name: &str,
        mut storage: Box<dyn Storage<D>>,
        done: impl Fn(Saved) + Send + 'static,
    ) -> Result<Self, BoxError> {
        if storage.immediate().is_some() {
            return Ok(Self::Here(storage));
        }
        let (writes, queue) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        thread::Builder::new().name(name.into()).spawn(move || {
            let working = AssertUnwindSafe(|| runtime.block_on(work(storage, &queue, &done)));
            // Nothing is used again after a panic.
            if let Err(panic) = catch_unwind(working) {
                let text = panic_text(&*panic);
                done(Err(Arc::new(std::format!("it panicked: {text}").into())));
            }
        })?;
        Ok(Self::There(writes))
    }

    /// Starts to save; `Some` if that has ended already.
    pub(super) fn save(&mut self, number: u64, durable: D) -> Option<Saved> {
        match self {
            Self::Here(storage) => {
                let saved = match storage.immediate() {
                    Some(immediate) => immediate.save_now(&durable),
                    None => Err("the storage stopped being immediate".into()),
                };
                Some(saved.map(|()| number).map_err(Arc::new))
            }
            Self::There(writes) => match writes.send((number, durable)) {
                Ok(()) => None,
                Err(_) => Some(Err(Arc::new("the store's thread has ended".into()))),
            },
        }
    }
}

async fn work<D: 'static>(
    mut storage: Box<dyn Storage<D>>,
    queue: &Receiver<(u64, D)>,
    done: &impl Fn(Saved),
) {
    while let Ok(mut write) = queue.recv() {
        // The newest state is all that matters: one write for all that wait.
        while let Ok(newer) = queue.try_recv() {
            write = newer;
        }
        let (number, durable) = write;
        let saved = storage.save(&durable).await;
        let failed = saved.is_err();
        done(saved.map(|()| number).map_err(Arc::new));
        if failed {
            return;
        }
    }
}
