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

/// Where a node keeps what it must still know after a crash: the seam for disks.
///
/// A node that has stopped does not wait for a disk that is stuck: its storage is dropped when the
/// last save has ended, and that may be later. If the same place could be opened again by then,
/// the storage must hold a lock on it until it is dropped, or the late save of one life would
/// overwrite what the next one has promised.
#[async_trait]
pub trait Storage<D>: Send + 'static {
    /// Reads what was last saved; `None` for a node that has never run. Never called after
    /// [`save`](Self::save). `members` is the list of nodes with which the node is started.
    ///
    /// # Errors
    /// If it cannot be read, or is damaged: the node must not start, for one that forgets may vote
    /// twice. If it was saved under another list of nodes: under two lists, two leaders can be
    /// elected at once.
    async fn load(&mut self, members: &Membership) -> Result<Option<D>, BoxError>;

    /// Writes it, and returns when it would survive a power cut. Runs on a thread of its own: it
    /// may block.
    ///
    /// # Errors
    /// If it may not be durable. The node then stops: after a failed flush nobody knows what the
    /// disk holds, and a second try proves nothing.
    async fn save(&mut self, durable: &D) -> Result<(), BoxError>;

    /// For storage that is not worth another thread: memory, or a disk that is quick and of which
    /// it is known what its being slow means. It is saved on the node's own thread.
    fn immediate(&mut self) -> Option<&mut dyn Immediate<D>> {
        None
    }
}

/// Storage that is written on the node's own thread.
pub trait Immediate<D>: Send {
    /// As [`Storage::save`].
    ///
    /// # Errors
    /// As [`Storage::save`].
    fn save_now(&mut self, durable: &D) -> Result<(), BoxError>;

    /// Whether that takes time. Then it begins when the messages that were sent before it are on
    /// their way.
    fn takes_time(&self) -> bool {
        false
    }
}

/// What a store says when it has done its work: the number of the step, or what went wrong.
pub(super) type Saved = Result<u64, Arc<BoxError>>;

/// A node's way to its storage.
pub(super) enum Store<D> {
    Here {
        storage: Box<dyn Storage<D>>,
        /// What is to be saved yet.
        held: Option<(u64, D)>,
    },
    /// To a thread that saves in order, and tells the node when it has.
    There {
        writes: Sender<(u64, D)>,
        /// What that thread was not told of yet.
        held: Option<(u64, D)>,
        thread: JoinHandle<Result<(), Arc<BoxError>>>,
    },
    Closed,
}

impl<D: Send + 'static> Store<D> {
    /// `done` is called, on the store's thread, after each save.
    pub(super) fn new(
        name: &str,
        mut storage: Box<dyn Storage<D>>,
        done: impl Fn(Saved) + Send + 'static,
    ) -> Result<Self, BoxError> {
        if storage.immediate().is_some() {
            return Ok(Self::Here {
                storage,
                held: None,
            });
        }
        let (writes, queue) = mpsc::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new().name(name.into()).spawn(move || {
            let working = AssertUnwindSafe(|| runtime.block_on(work(storage, &queue, &done)));
            // Nothing is used again after a panic.
            catch_unwind(working).unwrap_or_else(|panic| {
                let text = panic_text(&*panic);
                let error: Arc<BoxError> = Arc::new(std::format!("it panicked: {text}").into());
                done(Err(Arc::clone(&error)));
                Err(error)
            })
        })?;
        Ok(Self::There {
            writes,
            held: None,
            thread,
        })
    }

    /// Begins to save; `Some` if that has ended already, and otherwise [`flush`](Self::flush) is to
    /// be called soon: when what goes out first has gone out. To wake the thread may be to let go
    /// of the processor, on a machine of few.
    pub(super) fn save(&mut self, number: u64, durable: D) -> Option<Saved> {
        match self {
            Self::Here { storage, held } => match storage.immediate() {
                Some(immediate) if immediate.takes_time() => {
                    *held = Some((number, durable));
                    None
                }
                _ => Some(save_here(&mut **storage, number, &durable)),
            },
            Self::There { held, .. } => {
                // The newest state is all that matters.
                *held = Some((number, durable));
                None
            }
            Self::Closed => Some(Err(Arc::new("the store is closed".into()))),
        }
    }

    /// Goes on with what there is to save; `Some` if that has ended with it.
    pub(super) fn flush(&mut self) -> Option<Saved> {
        match self {
            Self::Here { storage, held } => {
                let (number, durable) = held.take()?;
                Some(save_here(&mut **storage, number, &durable))
            }
            Self::There { writes, held, .. } => {
                let told = writes.send(held.take()?);
                told.err()
                    .map(|_| Err(Arc::new("the store's thread has ended".into())))
            }
            Self::Closed => None,
        }
    }

    /// Waits until everything has been saved, and lets go of the storage: whoever opens it next
    /// must not be overtaken by a write of this life.
    pub(super) fn close(&mut self) -> Result<(), Arc<BoxError>> {
        if let Some(Err(error)) = self.flush() {
            return Err(error);
        }
        let Self::There { writes, thread, .. } = mem::replace(self, Self::Closed) else {
            return Ok(());
        };
        drop(writes);
        let panicked = |_| Err(Arc::new("the storage panicked".into()));
        thread.join().unwrap_or_else(panicked)
    }
}

fn save_here<D: 'static>(storage: &mut dyn Storage<D>, number: u64, durable: &D) -> Saved {
    let saved = match storage.immediate() {
        Some(immediate) => immediate.save_now(durable),
        None => Err("the storage stopped being immediate".into()),
    };
    saved.map(|()| number).map_err(Arc::new)
}

async fn work<D: 'static>(
    mut storage: Box<dyn Storage<D>>,
    queue: &Receiver<(u64, D)>,
    done: &impl Fn(Saved),
) -> Result<(), Arc<BoxError>> {
    while let Ok(mut write) = queue.recv() {
        // The newest state is all that matters: one write for all that wait.
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
