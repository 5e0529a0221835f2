/// Formats a table for a terminal. The first `texts` columns contain text, which is left-aligned,
/// and the other columns contain figures, which are right-aligned. The first `heads` rows are the
/// header. Lines have no trailing blanks.
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
            text.push_str(&"─".repeat(total_width(&widths)));
            text.push('\n');
        }
    }
    text
}

/// Formats a table with one header row.
#[must_use]
pub(crate) fn table(
    header: impl IntoIterator<Item = impl Into<String>>,
    rows: impl Iterator<Item = Vec<String>>,
    texts: usize,
) -> String {
    let header = header.into_iter().map(Into::into).collect();
    let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
    grid(&rows, texts, 1)
}

const GAP: &str = "  ";

/// Returns the width of each column, in characters.
#[must_use]
pub(crate) fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    (0..count)
        .map(|column| cells(column).map(|cell| columns(cell)).max().unwrap_or(0))
        .collect()
}

/// Returns the width of a table whose columns have these widths.
#[must_use]
pub(crate) fn total_width(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

fn columns(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Readers compare figures by their last digit and words by their first letter. Trailing blanks
    // are useless in logs and documents.
    #[test]
    fn text_is_left_aligned_and_figures_are_right_aligned() {
        let rows = [["name", "ms"], ["élan", "1,234"], ["x", "5"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            grid(&rows, 1, 1),
            "name     ms\n───────────\nélan  1,234\nx         5\n"
        );
        assert_eq!(total_width(&widths(&rows)), 11);
    }
}
