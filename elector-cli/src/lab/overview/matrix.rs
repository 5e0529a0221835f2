use elector_sim::Summary;

use super::{WIDTH, count, ms};
use crate::lab::{
    grid::{grid, total, widths},
    study::Study,
};

/// Scenarios down, variants across, in as many tables as the width asks for. Variants of one
/// algorithm stay together where they can.
pub(super) fn tables(study: &Study) -> Vec<String> {
    let rows = whole(study);
    let blocks = blocks(&widths(&rows), &families(study));
    let tables = blocks.iter().map(|columns| {
        let picked = rows.iter().map(|row| {
            let chosen = std::iter::once(&0).chain(columns);
            chosen
                .filter_map(|&column| row.get(column).cloned())
                .collect()
        });
        grid(&picked.collect::<Vec<_>>(), 1, 2)
    });
    tables.collect()
}

/// The one table that would be too wide.
fn whole(study: &Study) -> Vec<Vec<String>> {
    let contestants = || study.entries.iter().map(|entry| &entry.contestant);
    let mut last = "";
    let algorithms = contestants().map(|contestant| {
        // Named once, above the first of its variants.
        let before = std::mem::replace(&mut last, contestant.algorithm);
        let name = if before == last { "" } else { last };
        format!("{name}  ")
    });
    let algorithms = std::iter::once(String::new()).chain(algorithms).collect();
    let variants = contestants().map(|contestant| contestant.variant.clone() + "  ");
    let variants = std::iter::once("scenario".to_owned())
        .chain(variants)
        .collect();
    let nodes = study.middle();
    let rows = study.sweep.scenarios.iter().map(|scenario| {
        let cells = study.entries.iter().map(|entry| {
            let found = study.cell(entry, &scenario.name, nodes);
            found.map_or_else(String::new, |(_, summary)| cell(summary))
        });
        std::iter::once(scenario.name.clone())
            .chain(cells)
            .collect()
    });
    [algorithms, variants].into_iter().chain(rows).collect()
}

/// The figure, then a place for each mark, so that figures stand below each other.
fn cell(summary: &Summary) -> String {
    let time = match summary.elect_ms_p50 {
        Some(time) if time >= 1_000.0 => count(time.round() as usize),
        Some(time) => ms(time),
        None => "·".to_owned(),
    };
    let both = if summary.split_brain_runs > 0 {
        '‖'
    } else {
        ' '
    };
    let wrong = if summary.violations > 0 { '!' } else { ' ' };
    format!("{time} {both}{wrong}")
}

/// For each algorithm, the columns of its variants; column 0 is the scenario.
fn families(study: &Study) -> Vec<Vec<usize>> {
    let mut families: Vec<(&str, Vec<usize>)> = Vec::new();
    for (place, entry) in study.entries.iter().enumerate() {
        let algorithm = entry.contestant.algorithm;
        match families.iter_mut().find(|(name, _)| *name == algorithm) {
            Some((_, columns)) => columns.push(place + 1),
            None => families.push((algorithm, vec![place + 1])),
        }
    }
    families.into_iter().map(|(_, columns)| columns).collect()
}

/// Columns that fit beside the first one, table by table.
fn blocks(widths: &[usize], families: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let fits = |columns: &[usize]| {
        let columns = std::iter::once(&0).chain(columns);
        let chosen = columns.filter_map(|&column| widths.get(column).copied());
        total(&chosen.collect::<Vec<_>>()) <= WIDTH
    };
    let mut blocks: Vec<Vec<usize>> = vec![Vec::new()];
    for family in families {
        // A family that no table can hold whole begins where there is room, and goes on after.
        let parts: Vec<&[usize]> = if fits(family) {
            vec![family.as_slice()]
        } else {
            family.chunks(1).collect()
        };
        for part in parts {
            match blocks.last_mut() {
                Some(block) if block.is_empty() || fits(&[block, part].concat()) => {
                    block.extend(part);
                }
                _ => blocks.push(part.to_vec()),
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    // Half a family in one table and half in the next cannot be compared at a glance.
    #[test]
    fn families_stay_together_where_they_fit() {
        let widths = [18, 28, 28, 28, 28];
        assert_eq!(
            blocks(&widths, &[vec![1], vec![2, 3], vec![4]]),
            [vec![1], vec![2, 3], vec![4]]
        );
        assert_eq!(
            blocks(&widths, &[vec![1, 2], vec![3, 4]]),
            [vec![1, 2], vec![3, 4]]
        );
    }

    // Too many variants for one table must go on in the next, not off the screen.
    #[test]
    fn a_family_that_is_too_wide_is_split() {
        let widths = [18, 28, 28, 28, 90];
        let split = blocks(&widths, &[vec![1, 2, 3], vec![4]]);
        assert_eq!(split, [vec![1, 2], vec![3], vec![4]]);
    }
}
