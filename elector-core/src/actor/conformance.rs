use std::{string::String, vec::Vec};

use tokio::sync::oneshot;

use super::{
    builder::Builder,
    error::{NodeError, StartError},
    launch::{Drive, Launched},
    memory::MemoryNetwork,
    requests::Replay,
};
use crate::{ElectionAlgorithm, Input, Membership, Moment, trace::RecordOf};

/// A node on an actor that gets its inputs from the caller, to compare the actor with another host,
/// for example the simulator. The node has no clock and no timers, and returns what it did as a
/// list of [`Record`](crate::trace::Record)s, the events of a trace.
///
/// In the records, times and message numbers are 0. The host sets them, not the algorithm, so they
/// differ between two hosts that do the same.
#[derive(Debug)]
pub struct Replayer<A: ElectionAlgorithm> {
    launched: Launched<A>,
}

impl<A: ElectionAlgorithm> Replayer<A> {
    /// Starts the node `members.me()` with this durable state. Its peers do not exist: the messages
    /// that it sends are recorded and lost.
    ///
    /// # Errors
    /// If the node cannot be started.
    pub async fn start(
        config: A::Config,
        members: &Membership,
        durable: Option<A::Durable>,
    ) -> Result<Self, StartError> {
        let storage = super::MemoryStorage::new();
        if let Some(durable) = durable {
            super::Immediate::save_now(&mut storage.clone(), &durable).map_err(StartError::Load)?;
        }
        let network = MemoryNetwork::of(members.clone());
        let launched = Builder::new(String::from("replay"))
            .node_id(members.me())
            .peers(members.nodes().iter().copied())
            .config(config)
            .transport(network.transport())
            .storage(storage)
            .run(Drive::Replay);
        Ok(Self {
            launched: launched.await?,
        })
    }

    /// Passes an input to the node, with a reading of the clock, and returns what the node did.
    ///
    /// # Errors
    /// If the node stopped because of this input: the algorithm panicked, or broke its contract.
    pub async fn feed(
        &self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Vec<RecordOf<A>>, NodeError> {
        let (answer, answered) = oneshot::channel();
        let Launched { handle, node } = &self.launched;
        node.do_send(Replay { input, now, answer });
        match answered.await {
            Ok(records) => Ok(records),
            Err(_) => {
                handle.stopped().await?;
                Err(NodeError::ThreadEnded)
            }
        }
    }
}
