//! Tests with random sequences of saves, faults and restarts.

use std::io::ErrorKind;

use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

use super::{
    Tear,
    fake::{FakeFile, Fault, Flaw},
    load, made, save,
};
use crate::record::{slot::SLOT, slots::Slots};

#[derive(Clone, Copy, Debug)]
enum Event {
    Save(usize),
    /// Sets the next fault. The fault occurs this many operations after the beginning of the next
    /// save or load.
    Fault(usize, Fault),
    /// The process is killed and starts again.
    Restart,
    CutPower,
    WriteBack,
    Evict,
    /// Destroys the slot with this number, which is a place of a saved state in the file, unless a
    /// slot is already destroyed. The next start repairs the slot.
    Lose(u64),
}

fn tear() -> impl Strategy<Value = Tear> {
    prop_oneof![
        Just(Tear::Lost),
        Just(Tear::Whole),
        (0..6000_usize).prop_map(Tear::Prefix),
        (0..64_usize).prop_map(Tear::Prefix),
        any::<u64>().prop_map(Tear::Sectors),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let fault = prop_oneof![
        Just(Fault::Cut),
        tear().prop_map(Fault::Kill),
        tear().prop_map(|tear| Fault::Fails(ErrorKind::Other, tear)),
    ];
    prop_oneof![
        6 => (8..6000_usize).prop_map(Event::Save),
        6 => (8..64_usize).prop_map(Event::Save),
        4 => (0..12_usize, fault).prop_map(|(at, fault)| Event::Fault(at, fault)),
        2 => Just(Event::Restart),
        2 => Just(Event::CutPower),
        1 => Just(Event::WriteBack),
        1 => Just(Event::Evict),
        2 => (0..4_u64).prop_map(Event::Lose),
    ]
}

/// A record, and what the test knows about the record.
struct Run {
    file: FakeFile,
    open: Option<Slots<FakeFile>>,
    /// The number of the newest save that the node may rely on.
    acknowledged: u64,
    begun: u64,
    fault: Option<(usize, Fault)>,
    lost: bool,
    has_refused: bool,
}

impl Run {
    fn new(flaw: Flaw) -> Self {
        Self {
            file: made(flaw, 9),
            open: None,
            acknowledged: 0,
            begun: 0,
            fault: None,
            lost: false,
            has_refused: false,
        }
    }

    fn arm(&mut self) {
        if let Some((at, fault)) = self.fault.take() {
            self.file.fail_at(at, fault);
        }
    }

    /// Ends the process, with a power cut if the last fault was one. The next process begins
    /// without a fault.
    fn end(&mut self, tears: &mut impl Iterator<Item = Tear>) {
        match self.file.failure() {
            Some(Fault::Cut) => self.cut_power(tears),
            _ => self.restart_disk(),
        }
    }

    /// Ends the process with a power cut.
    fn cut_power(&mut self, tears: &mut impl Iterator<Item = Tear>) {
        self.restart_disk();
        let tears: Vec<_> = tears.take(self.file.dirty()).collect();
        self.file.cut_power(&tears);
    }

    fn restart_disk(&mut self) {
        self.open = None;
        self.file = self.file.fork();
    }

    fn start(&mut self, tears: &mut impl Iterator<Item = Tear>) -> Result<(), TestCaseError> {
        self.arm();
        match load(&self.file) {
            Ok((slots, value)) => {
                prop_assert!(
                    (self.acknowledged..=self.begun).contains(&value),
                    "save {value} was loaded, {} acknowledged, {} begun",
                    self.acknowledged,
                    self.begun
                );
                // `begun` does not go back, so no save gets the number of an earlier save, and each
                // state is unique.
                self.acknowledged = value;
                self.open = Some(slots);
                self.lost = false;
            }
            Err(_) if self.file.failure().is_some() => self.end(tears),
            // There were two faults, the destroyed slot (place of a saved state) and another one,
            // so an error is correct.
            Err(_) if self.lost => self.has_refused = true,
            Err(error) => prop_assert!(false, "refused: {error}"),
        }
        Ok(())
    }

    fn save(
        &mut self,
        length: usize,
        tears: &mut impl Iterator<Item = Tear>,
    ) -> Result<(), TestCaseError> {
        if self.open.is_none() {
            self.start(tears)?;
        }
        self.arm();
        let Some(slots) = &mut self.open else {
            return Ok(());
        };
        self.begun += 1;
        match save(&self.file, slots, self.begun, length) {
            Ok(()) => self.acknowledged = self.begun,
            Err(_) => self.end(tears),
        }
        Ok(())
    }

    fn apply(
        &mut self,
        event: Event,
        tears: &mut impl Iterator<Item = Tear>,
    ) -> Result<(), TestCaseError> {
        match event {
            Event::Save(length) => self.save(length, tears)?,
            Event::Fault(at, fault) => self.fault = Some((at, fault)),
            Event::Restart => {
                self.end(tears);
                self.start(tears)?;
            }
            Event::CutPower => self.cut_power(tears),
            Event::WriteBack => self.file.write_back(),
            Event::Evict => self.file.evict(),
            Event::Lose(_) if self.lost => {}
            Event::Lose(slot) => {
                self.lost = true;
                self.file.corrupt(slot * SLOT as u64);
            }
        }
        Ok(())
    }
}

fn run_events(flaw: Flaw, events: Vec<Event>, tears: &[Tear]) -> Result<(), TestCaseError> {
    let mut run = Run::new(flaw);
    let mut tears = tears.iter().copied().cycle();
    for event in events {
        run.apply(event, &mut tears)?;
        if run.has_refused {
            return Ok(());
        }
    }
    run.cut_power(&mut tears);
    run.fault = None;
    run.start(&mut tears)
}

fn sequences() -> impl Strategy<Value = (Vec<Event>, Vec<Tear>)> {
    let events = prop::collection::vec(event(), 1..40);
    let tears = prop::collection::vec(tear(), 1..8);
    (events, tears)
}

proptest! {
    // Several faults can occur one after the other. The guarantee that holds after each single
    // fault must hold after any sequence of faults: no acknowledged save is forgotten.
    #[test]
    fn no_sequence_forgets_an_acknowledged_save((events, tears) in sequences()) {
        run_events(Flaw::None, events, &tears)?;
    }
}

// For each of these flaws, which are rules of saves and loads that are broken on purpose, some
// random sequence must find an error.
#[test]
fn every_flaw_is_found_by_some_sequence() {
    for flaw in [Flaw::NoSync, Flaw::OneSlot, Flaw::SyncLast, Flaw::NoRewrite] {
        let config = ProptestConfig {
            cases: 20_000,
            max_shrink_iters: 0,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        let chance = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, chance);
        let result = runner.run(&sequences(), |(events, tears)| {
            run_events(flaw, events, &tears)
        });
        assert!(result.is_err(), "{flaw:?} was not noticed");
    }
}
