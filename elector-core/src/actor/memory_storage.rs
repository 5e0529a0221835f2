use std::{
    boxed::Box,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    storage::{Immediate, Storage},
    transport::BoxError,
};
use crate::Membership;

/// Storage within this process: it outlives the node, but not the process. A clone is cheap, and
/// refers to the same storage.
pub struct MemoryStorage<D>(Arc<Mutex<Option<D>>>);

impl<D> MemoryStorage<D> {
    /// Creates the storage of a node that has never run.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// Deletes the state, like a lost disk. The node must not be running.
    pub fn wipe(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<D>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<D: Clone + Send + Sync + 'static> Storage<D> for MemoryStorage<D> {
    async fn load(&mut self, _: &Membership) -> Result<Option<D>, BoxError> {
        Ok(self.lock().clone())
    }

    async fn save(&mut self, durable: &D) -> Result<(), BoxError> {
        self.save_now(durable)
    }

    fn immediate(&mut self) -> Option<&mut dyn Immediate<D>> {
        Some(self)
    }
}

impl<D: Clone + Send> Immediate<D> for MemoryStorage<D> {
    fn save_now(&mut self, durable: &D) -> Result<(), BoxError> {
        *self.lock() = Some(durable.clone());
        Ok(())
    }
}

impl<D> Clone for MemoryStorage<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D> Default for MemoryStorage<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D> fmt::Debug for MemoryStorage<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").finish_non_exhaustive()
    }
}
