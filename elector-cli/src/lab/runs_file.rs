use elector_sim::Cell;
use serde::{Deserialize, Serialize};

use super::{LabError, run_record::RunRecord};

/// The first bytes of the file `runs.bin`. They name the kind of the file and the version of its
/// format.
const HEADER: &[u8] = b"elector runs 2\n";

/// The contents of the file `runs.bin` of a shard, which is one of several parts of a comparison:
/// the outcome of each run of the shard. The file has one line of text, which is [`HEADER`], and
/// then this value in the format of postcard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunsFile {
    /// The cells that have runs in this shard. A cell is one variant in one scenario with one
    /// cluster size.
    pub(crate) cells: Vec<CellRecord>,
}

/// The runs of one cell (one variant in one scenario at one cluster size) that are in one shard
/// (part of a comparison), in the order of their seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CellRecord {
    pub(crate) algorithm: String,
    pub(crate) variant: String,
    pub(crate) scenario: String,
    pub(crate) nodes: u64,
    pub(crate) runs: Vec<RunRecord>,
}

impl RunsFile {
    /// Returns the contents of the file, with the runs that these cells have. A cell has the runs
    /// of one variant in one scenario with one cluster size.
    #[must_use]
    pub(crate) fn of(cells: &[Cell]) -> Self {
        let cells = cells.iter().filter(|cell| !cell.outcomes.is_empty());
        let records = cells.map(|cell| CellRecord {
            algorithm: cell.algorithm.to_owned(),
            variant: cell.variant.clone(),
            scenario: cell.scenario.clone(),
            nodes: cell.nodes,
            runs: cell.outcomes.iter().map(RunRecord::from).collect(),
        });
        Self {
            cells: records.collect(),
        }
    }

    /// Returns the bytes of the file `runs.bin`.
    ///
    /// # Errors
    /// Returns the errors of the encoder, which never occur for runs.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, LabError> {
        let mut bytes = HEADER.to_vec();
        bytes.extend(postcard::to_stdvec(self).map_err(LabError::Runs)?);
        Ok(bytes)
    }

    /// Reads the contents of a file `runs.bin` from its bytes.
    ///
    /// # Errors
    /// The error says what is wrong with the bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let body = bytes.strip_prefix(HEADER);
        let body = body.ok_or("it does not begin with the line of a file of runs")?;
        let decoded = postcard::take_from_bytes(body).map_err(|it| it.to_string())?;
        match decoded {
            (runs, []) => Ok(runs),
            (_, rest) => Err(format!("{} bytes follow its end", rest.len())),
        }
    }
}

impl CellRecord {
    /// Returns `true` if these runs are runs of the cell `cell`.
    #[must_use]
    pub(crate) fn is_of(&self, cell: &Cell) -> bool {
        self.algorithm == cell.algorithm
            && self.variant == cell.variant
            && self.scenario == cell.scenario
            && self.nodes == cell.nodes
    }

    /// Returns a text that names the variant, the scenario and the cluster size of the cell.
    #[must_use]
    pub(crate) fn label(&self) -> String {
        format!(
            "{}/{} in {} with {} nodes",
            self.algorithm, self.variant, self.scenario, self.nodes
        )
    }
}

#[cfg(test)]
mod tests {
    use elector_sim::{Cell, invariants::Violation};

    use super::*;
    use crate::lab::study::sample;

    // The figures of merged shards (the parts of a comparison) must be exact. So the runs that are
    // read from a file must give the same figures as the runs that were written.
    #[test]
    fn runs_that_are_read_have_the_same_figures() {
        let mut study = sample();
        study.cells[0].outcomes[1].violations.push(Violation {
            invariant: "stability",
            at_ns: 7,
            detail: "…".to_owned(),
        });
        let bytes = RunsFile::of(&study.cells).to_bytes().unwrap();
        let read = RunsFile::from_bytes(&bytes).unwrap();
        assert_eq!(read.cells.len(), study.cells.len());
        for (record, cell) in read.cells.iter().zip(&study.cells) {
            assert!(record.is_of(cell));
            let outcomes = record.runs.iter().map(|run| run.outcome().unwrap());
            let again = Cell {
                outcomes: outcomes.collect(),
                ..cell.clone()
            };
            assert_eq!(again.summary(), cell.summary());
            assert_eq!(RunsFile::of(&[again]).cells[0], *record);
        }
    }

    // If a copy of the file was cut off, or if another program wrote the file, reading must return
    // an error, and not fewer runs.
    #[test]
    fn damaged_files_are_rejected() {
        let study = sample();
        let bytes = RunsFile::of(&study.cells).to_bytes().unwrap();
        for end in [0, 5, HEADER.len(), bytes.len() / 2, bytes.len() - 1] {
            assert!(RunsFile::from_bytes(&bytes[..end]).is_err(), "{end}");
        }
        let longer = [bytes.as_slice(), b"\n"].concat();
        let error = RunsFile::from_bytes(&longer).unwrap_err();
        assert_eq!(error, "1 bytes follow its end");
        assert!(RunsFile::from_bytes(b"elector runs 1\n").is_err());
    }

    // A record with an unknown invariant, or with times in the wrong order, must be rejected: the
    // report would show violations and times that have no meaning.
    #[test]
    fn unknown_invariants_and_wrong_times_are_rejected() {
        let study = sample();
        let run = &study.cells[0].outcomes[0];
        let mut unknown = run.clone();
        unknown.violations.push(Violation {
            invariant: "no-such",
            at_ns: 0,
            detail: String::new(),
        });
        assert!(RunRecord::from(&unknown).outcome().is_none());
        let mut reversed = run.clone();
        reversed.elections[0].settled_ns = 0;
        assert!(RunRecord::from(&reversed).outcome().is_none());
        assert!(RunRecord::from(run).outcome().is_some());
    }
}
