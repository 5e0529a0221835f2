use elector_core::NodeId;

/// Nothing is sent before what it rests on is durable. Stateless: the simulator knows what each
/// disk holds, independently of the [`Gate`](elector_core::Gate) that is to keep this.
#[derive(Debug)]
pub struct DurableBeforeSent;

impl DurableBeforeSent {
    /// The name in reports.
    pub const NAME: &'static str = "durable-before-sent";

    /// A step of `node` that needs the write of step `needs` shows its outputs, while the disk
    /// holds that of step `durable`.
    #[must_use]
    pub fn shown(node: NodeId, step: u64, needs: u64, durable: u64) -> Option<String> {
        (needs > durable).then(|| {
            format!(
                "step {step} of node {node} was seen before the write of step {needs} was durable"
            )
        })
    }
}
