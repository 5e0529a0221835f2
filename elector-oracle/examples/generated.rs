//! Counts as TLC, the model checker of TLA+, does: every successor of every expanded state, once
//! for each witness.
//!
//! A witness is a majority that lets a step happen. Successors beyond the bounds are generated too,
//! but they are not counted as distinct, and not expanded. The search is a plain breadth-first
//! search, so it is also a second opinion on the numbers that the checker prints.

use elector_oracle::{Reconfiguration, Server, Set, State, Step, Variant, majority};
use stateright::Model;
use std::collections::HashSet;

/// Returns the number of subsets of `set` that are a majority of `of`.
fn majorities(set: Set, of: Set) -> u64 {
    (1..=of)
        .filter(|q| q & !(set & of) == 0 && majority(*q, of))
        .count() as u64
}

fn witnesses<const N: usize>(state: &State<N>, leader: Server, variant: Variant) -> u64 {
    let pick = |holds: &dyn Fn(&Server) -> bool| {
        (0..N).fold(0, |set, i| set | Set::from(holds(&state[i])) << i)
    };
    let holds = pick(&|server| server.name() == leader.name());
    let in_term = pick(&|server| server.term() == leader.term());
    match variant {
        Variant::OneMajority => majorities(holds & in_term, leader.config()),
        _ => majorities(holds, leader.config()) * majorities(in_term, leader.config()),
    }
}

fn run<const N: usize>(variant: Variant, max_term: u16, max_version: u16) {
    let model = Reconfiguration::<N>::new(variant, max_term, max_version);
    let mut level = model.init_states();
    let mut seen: HashSet<_> = level.iter().copied().collect();
    let (mut generated, mut depth) = ((1 << N) - 1, 0);
    let mut steps = Vec::new();
    while !level.is_empty() {
        depth += 1;
        let mut next_level = Vec::new();
        for state in level {
            model.actions(&state, &mut steps);
            for step in steps.drain(..) {
                generated += match step {
                    Step::Reconfig { leader, .. } => witnesses(&state, state[leader], variant),
                    _ => 1,
                };
                let next = model.next_state(&state, step);
                let next = next.filter(|next| model.within_boundary(next));
                next_level.extend(next.filter(|next| seen.insert(*next)));
            }
        }
        level = next_level;
    }
    println!(
        "{N} {max_term} {max_version} {variant:?}: {generated} {} {depth}",
        seen.len()
    );
}

fn main() {
    let large = std::env::args().nth(1).is_some();
    for variant in [Variant::OneMajority, Variant::TwoMajorities] {
        if large {
            run::<4>(variant, 4, 4);
        } else {
            for (term, version) in [(2, 2), (2, 3), (3, 2), (3, 3)] {
                run::<3>(variant, term, version);
            }
            run::<4>(variant, 2, 2);
            run::<4>(variant, 3, 3);
        }
    }
}
