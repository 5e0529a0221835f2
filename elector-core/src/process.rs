use alloc::boxed::Box;

use crate::{
    ContractViolation, Driver, ElectionAlgorithm, Gate, Input, Membership, Moment, Step, View,
};

/// One life of a node, from a start to a crash: its driver, its gate, and what was seen of it.
///
/// What a step asks for is carried out by [`host::carry_out`](crate::host::carry_out).
#[derive(Clone, Debug)]
pub struct Process<A: ElectionAlgorithm> {
    pub(crate) driver: Driver<A>,
    pub(crate) gate: Gate<A>,
    pub(crate) published: View,
}

impl<A: ElectionAlgorithm> Process<A> {
    /// A process that starts from what the disk has; [`Input::Started`] must be its first input.
    /// [`Configuration::validate`](crate::Configuration::validate) must have passed.
    #[must_use]
    pub fn restore(config: &A::Config, members: Membership, durable: A::Durable) -> Self {
        let driver = Driver::restore(config, members, durable);
        Self {
            published: driver.view(),
            gate: Gate::new(),
            driver,
        }
    }

    /// See [`Driver::step`].
    ///
    /// # Errors
    /// If the algorithm broke its contract. The process must be ended then.
    pub fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Box<Step<A>>, ContractViolation> {
        self.driver.step(input, now)
    }

    /// What the algorithm knows. It may be ahead of the disk.
    #[must_use]
    pub fn driver(&self) -> &Driver<A> {
        &self.driver
    }

    /// How many steps wait for the disk.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// The view that was published last; at first, the one that the process was restored with.
    #[must_use]
    pub fn published(&self) -> View {
        self.published
    }

    /// Returns `true` if the node leads the epoch that it was seen to lead. The driver may be ahead
    /// of the disk, so its word alone is not enough; a tenure that it gave up has ended at once.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.published.leads() && self.driver.view() == self.published
    }

    /// The send time of the round that the lease of the node counts from, if the node
    /// [leads](Self::leads) and has a lease. A host may rely on this one, and not on
    /// [`Driver::lease`].
    #[must_use]
    pub fn lease(&self) -> Option<Moment> {
        self.driver.lease().filter(|_| self.leads())
    }
}
