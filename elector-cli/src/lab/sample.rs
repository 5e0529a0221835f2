//! Artificial traces for the tests of timelines and diagrams. They look like the traces of a
//! cluster of `n` Raft nodes. The same `n` always gives the same trace.

use elector_core::{
    Epoch, NodeId, Purpose, View,
    trace::{Event, Loss, Record, Stimulus},
};

const MS: u64 = 1_000_000;

/// Returns a trace in which n2 leads and crashes at 412 ms, and n3 takes over. n2 restarts at 900
/// ms, and is paused from 1000 ms to 1080 ms.
pub(crate) fn crash(n: u64) -> Vec<Record> {
    let mut trace = TraceBuilder::new(n);
    trace.boot();
    let led = trace.election(181 * MS, 2, 1, &[], &[]);
    trace.heartbeats(2, led, 412 * MS, (&[], Loss::Chance));
    trace.note(412 * MS, "the leader n2 crashes");
    trace.at(412 * MS, 2, Event::Crashed);
    trace.suspected(412 * MS + 300_000, 1, 2);
    let led = trace.election(583 * MS, 3, 2, &[], &[2]);
    trace.heartbeats(3, led, 900 * MS, (&[2], Loss::Dead));
    trace.heartbeats(3, 884 * MS, 1_000 * MS, (&[], Loss::Chance));
    trace.note(900 * MS, "n2 restarts");
    trace.at(900 * MS, 2, Event::Booted);
    trace.viewed(902 * MS, 2, View::following(Epoch(2), Some(NodeId(3))));
    trace.at(1_000 * MS, 2, Event::Paused);
    trace.at(1_080 * MS, 2, Event::Resumed);
    trace.finish()
}

/// Returns a trace in which n1 leads, and is cut off together with a minority at 300 ms. The first
/// node of the majority leads the majority from about 506 ms on. The cut ends at 760 ms, and only
/// then does n1 receive a message of the new leader.
pub(crate) fn split(n: u64) -> Vec<Record> {
    let mut trace = TraceBuilder::new(n);
    let minority: Vec<u64> = (1..=(n - 1) / 2).collect();
    let majority: Vec<u64> = (minority.len() as u64 + 1..=n).collect();
    trace.boot();
    let led = trace.election(160 * MS, 1, 1, &[], &[]);
    trace.heartbeats(1, led, 300 * MS, (&[], Loss::Chance));
    trace.note(
        300 * MS,
        "the leader n1 is cut off <with> a \"minority\" & its clients",
    );
    trace.cut(300 * MS, &minority, &majority);
    trace.heartbeats(1, 300 * MS, 760 * MS, (&majority, Loss::Cut));
    let led = trace.election(503 * MS, majority[0], 2, &minority, &[]);
    trace.heartbeats(majority[0], led, 760 * MS, (&minority, Loss::Cut));
    trace.heartbeats(majority[0], 760 * MS, 900 * MS, (&[], Loss::Chance));
    trace.note(760 * MS, "the cut heals");
    trace.at_network(760 * MS, Event::Cut { blocked: vec![] });
    let leader = Some(NodeId(majority[0]));
    for &node in &minority {
        trace.viewed(762 * MS, node, View::following(Epoch(2), leader));
    }
    trace.finish()
}

/// A trace that is being built. Times are in nanoseconds.
struct TraceBuilder {
    n: u64,
    records: Vec<Record>,
    ids: u64,
    steps: u64,
    noise: u64,
}

impl TraceBuilder {
    fn new(n: u64) -> Self {
        Self {
            n,
            records: Vec::new(),
            ids: 0,
            steps: 0,
            noise: n,
        }
    }

    fn finish(mut self) -> Vec<Record> {
        self.records.sort_by_key(|record| record.at_ns);
        self.records
    }

    fn boot(&mut self) {
        for node in 1..=self.n {
            self.at(0, node, Event::Booted);
            self.stepped(0, node, Stimulus::Started);
        }
    }

    /// Adds an election that `me` wins in the epoch `epoch`, and returns the moment at which it
    /// wins. Messages to nodes in `cut` and `dead` are lost.
    fn election(&mut self, at: u64, me: u64, epoch: u64, cut: &[u64], dead: &[u64]) -> u64 {
        let timer = "Stagger".to_owned();
        let step = self.stepped(at, me, Stimulus::Elapsed { timer });
        let view = View::campaigning(Epoch(epoch));
        self.at(at, me, Event::Viewed { step, view });
        let request = format!("RequestVote {{ epoch: e{epoch} }}");
        let grant = format!("Vote {{ epoch: e{epoch}, granted: true }}");
        let mut votes = Vec::new();
        for peer in (1..=self.n).filter(|&peer| peer != me) {
            let lost = match peer {
                peer if cut.contains(&peer) => Some(Loss::Cut),
                peer if dead.contains(&peer) => Some(Loss::Dead),
                _ => None,
            };
            let Some(got) = self.send(at, (me, peer), &request, Purpose::Election, lost) else {
                continue;
            };
            let written = self.write(got, peer, &format!("Durable {{ vote: n{me} }}"));
            let vote = self.send(written, (peer, me), &grant, Purpose::Election, None);
            votes.extend(vote.map(|at| (at, peer)));
        }
        self.write(at, me, &format!("Durable {{ vote: n{me} }}"));
        votes.sort_unstable();
        let (won, _) = votes[(self.n / 2) as usize - 1];
        let view = View::leading(Epoch(epoch), NodeId(me));
        self.viewed(won, me, view);
        let announce = format!("Heartbeat {{ epoch: e{epoch} }}");
        for (_, peer) in votes {
            let got = self.send(won, (me, peer), &announce, Purpose::Election, None);
            if let Some(got) = got {
                let view = View::following(Epoch(epoch), Some(NodeId(me)));
                self.viewed(got, peer, view);
            }
        }
        won
    }

    /// Adds routine heartbeats of `leader`, every 50 ms, and their acknowledgements. All heartbeats
    /// to the nodes in `out.0` are lost, for the reason `out.1`.
    fn heartbeats(&mut self, leader: u64, from: u64, until: u64, out: (&[u64], Loss)) {
        let mut at = from + 50 * MS;
        while at < until {
            for peer in (1..=self.n).filter(|&peer| peer != leader) {
                let lost = if out.0.contains(&peer) {
                    Some(out.1)
                } else if self.random(40) == 0 {
                    Some(Loss::Chance)
                } else {
                    None
                };
                let beat = (leader, peer);
                if let Some(got) = self.send(at, beat, "Heartbeat {}", Purpose::Liveness, lost) {
                    self.send(got, (peer, leader), "Ack {}", Purpose::Liveness, None);
                }
            }
            at += 50 * MS;
        }
    }

    /// Adds a message, and returns the moment of its arrival. Returns `None` if `lost` gives a
    /// reason for its loss. One message in sixteen arrives twice.
    fn send(
        &mut self,
        at: u64,
        (from, to): (u64, u64),
        detail: &str,
        purpose: Purpose,
        lost: Option<Loss>,
    ) -> Option<u64> {
        self.ids += 1;
        let id = self.ids;
        let kind = detail.split(' ').next().unwrap_or_default().to_owned();
        let sent = Event::Sent {
            step: self.steps,
            id,
            to: NodeId(to),
            kind: kind.clone(),
            purpose,
            message: detail.to_owned(),
        };
        self.at(at, from, sent);
        let arrival = at + MS / 2 + self.random(MS);
        if let Some(why) = lost {
            let at = if why == Loss::Dead { arrival } else { at };
            let to = NodeId(to);
            self.at_network(at, Event::Lost { id, to, why });
            return None;
        }
        let copies = if self.random(16) == 0 { 2 } else { 1 };
        for copy in 0..copies {
            let input = Stimulus::Received {
                from: NodeId(from),
                id,
                kind: kind.clone(),
                message: detail.to_owned(),
            };
            self.stepped(arrival + copy * MS, to, input);
        }
        Some(arrival)
    }

    fn write(&mut self, at: u64, node: u64, detail: &str) -> u64 {
        let (step, durable) = (self.steps, detail.to_owned());
        self.at(at, node, Event::Persisting { step, durable });
        let durable = at + MS / 5;
        self.at(durable, node, Event::Persisted { step });
        self.steps += 1;
        durable
    }

    fn cut(&mut self, at: u64, left: &[u64], right: &[u64]) {
        let mut blocked = Vec::new();
        for &a in left {
            for &b in right {
                blocked.extend([(NodeId(a), NodeId(b)), (NodeId(b), NodeId(a))]);
            }
        }
        blocked.sort_unstable();
        self.at_network(at, Event::Cut { blocked });
    }

    fn note(&mut self, at: u64, text: &str) {
        let text = text.to_owned();
        self.at_network(at, Event::Note { text });
    }

    fn suspected(&mut self, at: u64, node: u64, peer: u64) {
        let peer = NodeId(peer);
        self.stepped(at, node, Stimulus::Suspected { peer });
    }

    fn viewed(&mut self, at: u64, node: u64, view: View) {
        let step = self.steps;
        self.at(at, node, Event::Viewed { step, view });
    }

    fn stepped(&mut self, at: u64, node: u64, input: Stimulus) -> u64 {
        self.steps += 1;
        let step = self.steps;
        self.at(at, node, Event::Stepped { step, input });
        step
    }

    fn at_network(&mut self, at_ns: u64, event: Event) {
        let node = None;
        self.records.push(Record { at_ns, node, event });
    }

    fn at(&mut self, at_ns: u64, node: u64, event: Event) {
        let node = Some(NodeId(node));
        self.records.push(Record { at_ns, node, event });
    }

    /// Returns a pseudo-random number below `bound` (a linear congruential generator: Knuth's
    /// MMIX).
    fn random(&mut self, bound: u64) -> u64 {
        self.noise = self
            .noise
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.noise >> 33) % bound
    }
}
