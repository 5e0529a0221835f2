use elector_sim::{Scenario, Summary};

use super::{FIXED, WIDTH, count, ms};
use crate::lab::{
    grid::{grid, total_width, widths},
    registry::Entry,
    study::Study,
};

/// Returns the tables of the time to elect.
pub(super) fn of_elections(study: &Study) -> Vec<String> {
    tables(study, |_| true, cell)
}

/// Returns tables with one row for each scenario for which `is_shown` returns `true`, and one
/// column per variant. `cell` returns the text of a cell. If the columns do not fit into one table,
/// they are split into several tables. The variants of an algorithm stay in one table if they fit.
pub(super) fn tables(
    study: &Study,
    is_shown: impl Fn(&Scenario) -> bool,
    cell: impl Fn(&Summary) -> String,
) -> Vec<String> {
    let rows = complete_table(study, is_shown, cell);
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

/// Returns all columns as one table, which can be too wide for a terminal.
fn complete_table(
    study: &Study,
    is_shown: impl Fn(&Scenario) -> bool,
    cell: impl Fn(&Summary) -> String,
) -> Vec<Vec<String>> {
    let contestants = || study.entries.iter().map(|entry| &entry.contestant);
    let mut last = "";
    let algorithms = contestants().map(|contestant| {
        // The name of an algorithm is only above the first of its variants.
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
    let shown = study.sweep.scenarios.iter().filter(|it| is_shown(it));
    let rows = shown.map(|scenario| {
        let of_entry = |entry: &Entry| match study.cell(entry, &scenario.name, nodes) {
            Some((_, summary)) => cell(summary),
            None if !entry.contestant.can_run(scenario) => format!("{FIXED}  "),
            None => String::new(),
        };
        let cells = study.entries.iter().map(of_entry);
        std::iter::once(scenario.name.clone())
            .chain(cells)
            .collect()
    });
    [algorithms, variants].into_iter().chain(rows).collect()
}

/// Returns the text of one cell of a table: the figure, and two characters. Each of them is a blank
/// or a mark: `‖` if two nodes led at the same time, and `!` if an invariant was violated. The
/// blanks keep the figures of a column aligned.
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

/// Returns, for each algorithm, the numbers of the columns of its variants. Column 0 has the names
/// of the scenarios.
fn families(study: &Study) -> Vec<Vec<usize>> {
    let mut families: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, entry) in study.entries.iter().enumerate() {
        let algorithm = entry.contestant.algorithm;
        match families.iter_mut().find(|(name, _)| *name == algorithm) {
            Some((_, columns)) => columns.push(index + 1),
            None => families.push((algorithm, vec![index + 1])),
        }
    }
    families.into_iter().map(|(_, columns)| columns).collect()
}

/// Splits the columns into several tables. Each table also has column 0, which has the names of the
/// scenarios, and is at most `WIDTH` wide, unless a single column is too wide.
fn blocks(widths: &[usize], families: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let fits = |columns: &[usize]| {
        let columns = std::iter::once(&0).chain(columns);
        let chosen = columns.filter_map(|&column| widths.get(column).copied());
        total_width(&chosen.collect::<Vec<_>>()) <= WIDTH
    };
    let mut blocks: Vec<Vec<usize>> = vec![Vec::new()];
    for family in families {
        // The variants of an algorithm that are too wide for one table begin in the current table,
        // and continue in the next one.
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

    // Readers cannot compare the variants of an algorithm if some of them are in another table.
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

    // If an algorithm has too many variants for one table, the variants continue in the next table.
    #[test]
    fn a_family_that_is_too_wide_is_split() {
        let widths = [18, 28, 28, 28, 90];
        let split = blocks(&widths, &[vec![1, 2, 3], vec![4]]);
        assert_eq!(split, [vec![1, 2], vec![3], vec![4]]);
    }
}
