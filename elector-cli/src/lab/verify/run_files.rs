use crate::lab::runs_file::RunsFile;

/// Describes the first run that differs between two files `runs.bin`. Returns `None` if no run
/// differs, or if the new file cannot be read.
#[must_use]
pub(super) fn difference(old: &[u8], new: &[u8]) -> Option<String> {
    let new = RunsFile::from_bytes(new).ok()?;
    let old = match RunsFile::from_bytes(old) {
        Ok(old) => old,
        Err(reason) => return Some(format!("the file is damaged: {reason}")),
    };
    for (number, new) in new.cells.iter().enumerate() {
        let label = new.label();
        let old = old.cells.get(number).filter(|old| old.label() == label);
        let Some(old) = old else {
            return Some(format!("the runs of {label} are missing"));
        };
        for (number, new) in new.runs.iter().enumerate() {
            if old.runs.get(number) != Some(new) {
                return Some(format!("the run of {label}, seed {}, differs", new.seed));
            }
        }
        if old.runs.len() > new.runs.len() {
            return Some(format!("a new run does not give all runs of {label}"));
        }
    }
    (old.cells.len() > new.cells.len()).then(|| "a new run does not give all cells".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::study::sample;

    // A shard (one of several parts of a comparison) has thousands of runs. If one of them differs,
    // the user must see which run to repeat.
    #[test]
    fn the_first_run_that_differs_is_named() {
        let study = sample();
        let bytes = |cells: &[elector_sim::Cell]| RunsFile::of(cells).to_bytes().unwrap();
        let new = bytes(&study.cells);
        assert_eq!(difference(&new, &new), None);
        let mut cells = study.cells.clone();
        cells[1].outcomes[2].persists += 1;
        assert_eq!(
            difference(&bytes(&cells), &new).unwrap(),
            "the run of raft/plain in leader-crash with 5 nodes, seed 3, differs"
        );
        cells.remove(0);
        assert_eq!(
            difference(&bytes(&cells), &new).unwrap(),
            "the runs of raft/plain in leader-crash with 3 nodes are missing"
        );
        let cut = &new[..new.len() - 4];
        assert!(
            difference(cut, &new)
                .unwrap()
                .starts_with("the file is damaged")
        );
    }
}
