use std::{
    boxed::Box,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

use async_trait::async_trait;

use super::{error::panic_text, transport::BoxError};
use crate::Membership;

/// The storage of a node's durable state: the interface for disks.
///
/// A node that stops by itself, for example after a panic of its algorithm, does not wait for its
/// disk. Its storage is dropped when the last save has ended, which may be after the end of the
/// node. If the same place on the disk can be opened again before this drop, the storage must hold
/// a lock on this place until the storage is dropped. Otherwise the node could be started again,
/// and a late save of the stopped node could overwrite votes that the new node has saved.
#[async_trait]
pub trait Storage<D>: Send + 'static {
    /// Reads the last saved state; `None` for a node that has never run. This method is never
    /// called after [`save`](Self::save). `members` is the list of nodes with which the node is
    /// started.
    ///
    /// # Errors
    /// If the state cannot be read or is damaged: the node must not start, because a node that has
    /// lost its state may vote twice. Also if the state was saved under another list of nodes: with
    /// two lists, two leaders can be elected at the same time.
    async fn load(&mut self, members: &Membership) -> Result<Option<D>, BoxError>;

    /// Writes the state, and returns when the state would survive a power failure. This method runs
    /// on a thread of the storage, so it may block.
    ///
    /// # Errors
    /// If the state may not be durable. The node then stops: after a failed flush the content of
    /// the disk is unknown, and a second try proves nothing.
    async fn save(&mut self, durable: &D) -> Result<(), BoxError>;

    /// Returns the interface for saves on the node's own thread; `None` if the storage has a thread
    /// of its own. The interface is for storage in memory, and for fast disks if their delays may
    /// block the node.
    fn immediate(&mut self) -> Option<&mut dyn Immediate<D>> {
        None
    }
}

/// Storage that is written on the node's own thread.
pub trait Immediate<D>: Send {
    /// Does the same as [`Storage::save`].
    ///
    /// # Errors
    /// The errors of [`Storage::save`].
    fn save_now(&mut self, durable: &D) -> Result<(), BoxError>;

    /// Returns `true` if a save takes time. Then the node first lets the tasks of its transport
    /// run, so that messages that it has already sent leave the machine before the save blocks the
    /// node's thread.
    fn takes_time(&self) -> bool {
        false
    }
}

/// The result of a save: the number of the [`Step`](crate::Step) whose durable state was saved, or
/// the error.
pub(super) type Saved = Result<u64, Arc<BoxError>>;

/// A node's access to its storage.
pub(super) enum Store<D> {
    Inline {
        storage: Box<dyn Storage<D>>,
        /// The state that must be saved next, with the number of the step that requested the save.
        pending: Option<(u64, D)>,
    },
    /// A thread of the storage saves the states in order, and notifies the node after each save.
    Threaded {
        writes: Sender<(u64, D)>,
        /// The state that the thread must save next and has not received yet, with the number of
        /// the step that requested the save.
        pending: Option<(u64, D)>,
        thread: JoinHandle<Result<(), Arc<BoxError>>>,
    },
    Closed,
}

impl<D: Send + 'static> Store<D> {
    /// Opens the storage. `done` is called after each save, on the store's thread.
    pub(super) fn new(
        name: &str,
        mut storage: Box<dyn Storage<D>>,
        done: impl Fn(Saved) + Send + 'static,
    ) -> Result<Self, BoxError> {
        if storage.immediate().is_some() {
            return Ok(Self::Inline {
                storage,
                pending: None,
            });
        }
        let (writes, queue) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            let working = AssertUnwindSafe(|| runtime.block_on(save_all(storage, &queue, &done)));
            // After a panic the storage is not used again: the thread ends.
            catch_unwind(working).unwrap_or_else(|panic| {
                let text = panic_text(&*panic);
                let error: Arc<BoxError> = Arc::new(std::format!("panic: {text}").into());
                done(Err(Arc::clone(&error)));
                Err(error)
            })
        })?;
        Ok(Self::Threaded {
            writes,
            pending: None,
            thread,
        })
    }

    /// Begins a save. Returns the result if the save has already ended. Otherwise the caller must
    /// call [`flush`](Self::flush) soon, after the tasks of the transport had time to write the
    /// messages that the node has already sent. If this method woke the store's thread itself, that
    /// thread could delay these messages on a machine with few processors.
    pub(super) fn save(&mut self, number: u64, durable: D) -> Option<Saved> {
        match self {
            Self::Inline { storage, pending } => match storage.immediate() {
                Some(immediate) if immediate.takes_time() => {
                    *pending = Some((number, durable));
                    None
                }
                _ => Some(save_inline(&mut **storage, number, &durable)),
            },
            Self::Threaded { pending, .. } => {
                // A state that is still pending is replaced: only the newest state matters.
                *pending = Some((number, durable));
                None
            }
            Self::Closed => Some(Err(Arc::new("the store is closed".into()))),
        }
    }

    /// Continues the save that [`save`](Self::save) has left pending. Returns the result if the
    /// save has ended.
    pub(super) fn flush(&mut self) -> Option<Saved> {
        match self {
            Self::Inline { storage, pending } => {
                let (number, durable) = pending.take()?;
                Some(save_inline(&mut **storage, number, &durable))
            }
            Self::Threaded {
                writes, pending, ..
            } => {
                let sent = writes.send(pending.take()?);
                sent.err()
                    .map(|_| Err(Arc::new("the store's thread has ended".into())))
            }
            Self::Closed => None,
        }
    }

    /// Waits until everything has been saved, and drops the storage. Without this wait, a late
    /// write could end after the node was started again and has opened the storage.
    pub(super) fn close(&mut self) -> Result<(), Arc<BoxError>> {
        if let Some(Err(error)) = self.flush() {
            return Err(error);
        }
        let Self::Threaded { writes, thread, .. } = mem::replace(self, Self::Closed) else {
            return Ok(());
        };
        drop(writes);
        let panicked = |_| Err(Arc::new("the storage panicked".into()));
        thread.join().unwrap_or_else(panicked)
    }
}

fn save_inline<D: 'static>(storage: &mut dyn Storage<D>, number: u64, durable: &D) -> Saved {
    let saved = match storage.immediate() {
        Some(immediate) => immediate.save_now(durable),
        None => Err("the storage stopped being immediate".into()),
    };
    saved.map(|()| number).map_err(Arc::new)
}

async fn save_all<D: 'static>(
    mut storage: Box<dyn Storage<D>>,
    queue: &Receiver<(u64, D)>,
    done: &impl Fn(Saved),
) -> Result<(), Arc<BoxError>> {
    while let Ok(mut write) = queue.recv() {
        // Only the newest state matters: one write is enough for all states that wait.
        while let Ok(newer) = queue.try_recv() {
            write = newer;
        }
        let (number, durable) = write;
        match storage.save(&durable).await {
            Ok(()) => done(Ok(number)),
            Err(error) => {
                let error = Arc::new(error);
                done(Err(Arc::clone(&error)));
                return Err(error);
            }
        }
    }
    Ok(())
}
