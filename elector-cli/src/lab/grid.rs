/// A table for a terminal: the first `texts` columns are words, the others figures. The first
/// `heads` rows are the header; lines end without blanks.
#[must_use]
pub(crate) fn grid(rows: &[Vec<String>], texts: usize, heads: usize) -> String {
    let widths = widths(rows);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| {
            let blanks = " ".repeat(width.saturating_sub(columns(cell)));
            if column < texts {
                format!("{cell}{blanks}")
            } else {
                format!("{blanks}{cell}")
            }
        });
        let line = cells.collect::<Vec<_>>().join(GAP);
        text.push_str(line.trim_end());
        text.push('\n');
        if number + 1 == heads {
            text.push_str(&"─".repeat(total(&widths)));
            text.push('\n');
        }
    }
    text
}

const GAP: &str = "  ";

/// How wide each column is.
#[must_use]
pub(crate) fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    (0..count)
        .map(|column| cells(column).map(|cell| columns(cell)).max().unwrap_or(0))
        .collect()
}

/// How wide a table with such columns is.
#[must_use]
pub(crate) fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

fn columns(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Figures are compared by their last digit, words by their first letter; trailing blanks are
    // noise in logs and documents.
    #[test]
    fn words_go_left_and_figures_right() {
        let rows = [["name", "ms"], ["élan", "1,234"], ["x", "5"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            grid(&rows, 1, 1),
            "name     ms\n───────────\nélan  1,234\nx         5\n"
        );
        assert_eq!(total(&widths(&rows)), 11);
    }
}
