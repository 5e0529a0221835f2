use alloc::boxed::Box;

use crate::{
    ContractViolation, Driver, ElectionAlgorithm, Gate, Input, Membership, Moment, Step, View,
};

/// One life of a node, from a start to a crash: its [`Driver`], its [`Gate`], and the last
/// published view.
///
/// [`host::carry_out`](crate::host::carry_out) carries out the requests of a step.
#[derive(Clone, Debug)]
pub struct Process<A: ElectionAlgorithm> {
    pub(crate) driver: Driver<A>,
    pub(crate) gate: Gate<A>,
    pub(crate) published: View,
}

impl<A: ElectionAlgorithm> Process<A> {
    /// Creates a process that starts from the state on the disk. [`Input::Started`] must be the
    /// first input of the process. Before this call,
    /// [`Configuration::validate`](crate::Configuration::validate) must have returned `Ok` for the
    /// configuration.
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
    /// If the algorithm broke its contract. The host must then end the process.
    pub fn step(
        &mut self,
        input: Input<A::Message, A::Timer>,
        now: Moment,
    ) -> Result<Box<Step<A>>, Box<ContractViolation>> {
        self.driver.step(input, now)
    }

    /// Returns the driver, with the state of the algorithm. This state may be ahead of the disk.
    #[must_use]
    pub fn driver(&self) -> &Driver<A> {
        &self.driver
    }

    /// Returns how many steps wait in the [`Gate`] until a write is durable.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// Returns the view that was published last. At first, it is the view that the process was
    /// restored with.
    #[must_use]
    pub fn published(&self) -> View {
        self.published
    }

    /// Returns `true` if the node leads the epoch that it has published. The driver's view alone is
    /// not enough: the driver may be ahead of the disk, so the state in which the node leads may
    /// not be durable yet. The published view alone is not enough either: if the driver has already
    /// stopped leading, this method returns `false` at once, before the disk has the change.
    #[must_use]
    pub fn leads(&self) -> bool {
        self.published.leads() && self.driver.view() == self.published
    }

    /// Returns the send time of the round of heartbeats that the lease of the node counts from, if
    /// the node [leads](Self::leads) and has a lease. A host may rely on this value, but not on
    /// [`Driver::lease`], which may be ahead of the disk.
    #[must_use]
    pub fn lease(&self) -> Option<Moment> {
        self.driver.lease().filter(|_| self.leads())
    }
}
