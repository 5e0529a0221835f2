use elector_core::{ElectionAlgorithm, Input, Moment, NodeId, Outgoing};

use super::{
    flight::Flight,
    host::{STEPS_PER_COMMAND, ScriptHost},
    node::Transcript,
};

/// The steps of the nodes, and their output.
impl<A: ElectionAlgorithm> ScriptHost<A> {
    /// Does one step of a node, and then one step for each timer with a delay of zero that these
    /// steps set.
    pub(super) fn step(
        &mut self,
        node: NodeId,
        header: &str,
        input: Input<A::Message, A::Timer>,
    ) -> Result<(), String> {
        self.one_step(node, header, input)?;
        self.fire_zero_timers(node)
    }

    /// Does a step for each timer of a node with a delay of zero, unless the script holds such
    /// timers.
    pub(super) fn fire_zero_timers(&mut self, node: NodeId) -> Result<(), String> {
        while let Some(timer) = self.node(node)?.take_zero_timer() {
            self.one_step(node, &format!("elapsed {timer:?}"), Input::Elapsed(timer))?;
        }
        Ok(())
    }

    fn one_step(
        &mut self,
        node: NodeId,
        header: &str,
        input: Input<A::Message, A::Timer>,
    ) -> Result<(), String> {
        self.steps_left = self.steps_left.checked_sub(1).ok_or_else(|| {
            format!("no end after {STEPS_PER_COMMAND} steps: the algorithm steps itself forever")
        })?;
        self.clock += 1;
        let now = Moment::from_nanos(self.clock);
        let transcript = self.node(node)?.step(input, now)?;
        self.print(node, header, transcript);
        Ok(())
    }

    /// Prints what a node has done, and puts its messages in flight.
    pub(super) fn print(&mut self, node: NodeId, header: &str, transcript: Transcript<A>) {
        let quiet = self.quiet;
        let Transcript {
            changes,
            shown,
            sent,
        } = transcript;
        self.note(format_args!("{node:?} {header}"));
        for line in changes.iter().filter(|_| !quiet).chain(&shown) {
            self.note(format_args!("  {line}"));
        }
        for Outgoing { to, message } in sent {
            let flight = Flight {
                from: node,
                to,
                message,
            };
            if self.cuts.contains(&(node, to)) {
                self.note(format_args!("lost {flight} (the link is cut)"));
            } else {
                self.flying.push(flight);
            }
        }
    }
}
