use elector_core::{ElectionAlgorithm, NodeId};

use super::{
    command::{Direction, Held},
    host::ScriptHost,
};

/// The methods for the commands that hold writes and timers, and that cut and heal links.
impl<A: ElectionAlgorithm> ScriptHost<A> {
    /// Ends the hold of the writes or of the timers of a node. The held writes become durable now,
    /// or the held timers fire now, in order.
    pub(super) fn release(&mut self, what: Held, node: NodeId) -> Result<(), String> {
        self.node(node)?.end_hold(what)?;
        match what {
            Held::Writes => while self.finish_write(node)? {},
            Held::Timers => self.fire_zero_timers(node)?,
        }
        Ok(())
    }

    /// Makes the oldest held write durable. The hold goes on.
    pub(super) fn release_one_write(&mut self, node: NodeId) -> Result<(), String> {
        if self.finish_write(node)? {
            Ok(())
        } else {
            Err(format!(
                "no write of {node:?} is held: hold its writes with `hold writes {node}`"
            ))
        }
    }

    /// Makes the oldest held write durable, and prints what becomes visible. Returns `false` if
    /// there is no such write.
    fn finish_write(&mut self, node: NodeId) -> Result<bool, String> {
        let Some((durable, transcript)) = self.node(node)?.finish_write() else {
            return Ok(false);
        };
        self.print(node, &format!("persisted {durable:?}"), transcript);
        Ok(true)
    }

    pub(super) fn cut(
        &mut self,
        direction: Direction,
        from: NodeId,
        to: NodeId,
    ) -> Result<(), String> {
        let links = self.links(direction, from, to)?;
        // `count` visits all links, so that each of them is cut. `any` would stop after the first
        // new cut.
        let new = links.iter().filter(|&&link| self.cuts.insert(link)).count();
        if new == 0 {
            return Err("this link is cut already: heal it with `heal`".into());
        }
        Ok(())
    }

    pub(super) fn heal(
        &mut self,
        direction: Direction,
        from: NodeId,
        to: NodeId,
    ) -> Result<(), String> {
        let links = self.links(direction, from, to)?;
        let healed = links.iter().filter(|link| self.cuts.remove(link)).count();
        if healed == 0 {
            return Err("this link is not cut: cut it with `cut`".into());
        }
        Ok(())
    }

    pub(super) fn heal_all(&mut self) -> Result<(), String> {
        if self.cuts.is_empty() {
            return Err("no link is cut: cut one with `cut`".into());
        }
        self.cuts.clear();
        Ok(())
    }

    /// Returns the directed links between two nodes that a command names.
    fn links(
        &mut self,
        direction: Direction,
        from: NodeId,
        to: NodeId,
    ) -> Result<Vec<(NodeId, NodeId)>, String> {
        self.node(from)?;
        self.node(to)?;
        Ok(match direction {
            Direction::Forth => vec![(from, to)],
            Direction::Both => vec![(from, to), (to, from)],
        })
    }
}
