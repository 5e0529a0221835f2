use csv::{ReaderBuilder, StringRecord};

use super::difference::quoted;

/// The columns whose values identify a row.
const KEYS: [&str; 5] = ["algorithm", "variant", "scenario", "nodes", "seed"];

/// Describes the first cell in which two CSV files differ. Returns `None` if all cells are equal,
/// or if a file is not CSV.
#[must_use]
pub(super) fn difference(old: &[u8], new: &[u8]) -> Option<String> {
    let (old, new) = (records(old)?, records(new)?);
    let header = new.first()?;
    for number in 0..old.len().max(new.len()) {
        let line = number + 1;
        match (old.get(number), new.get(number)) {
            (Some(old), Some(new)) if old == new => {}
            (Some(old), Some(new)) => return of_rows(line, header, old, new),
            (Some(_), None) => {
                return Some(format!("line {line}: a new run does not give this row"));
            }
            _ => return Some(format!("line {line}: the row is missing")),
        }
    }
    None
}

fn of_rows(
    line: usize,
    header: &StringRecord,
    old: &StringRecord,
    new: &StringRecord,
) -> Option<String> {
    let column = (0..old.len().max(new.len())).find(|&at| old.get(at) != new.get(at))?;
    let shown = |row: &StringRecord| row.get(column).map_or("nothing".to_owned(), quoted);
    Some(format!(
        "line {line}, column {} ({}): the file has {}, a new run gives {}",
        header.get(column).unwrap_or("after the last one"),
        key(header, new),
        shown(old),
        shown(new)
    ))
}

/// Returns a text that identifies a row.
fn key(header: &StringRecord, row: &StringRecord) -> String {
    let columns = header.iter().zip(row);
    let keys = columns.filter(|(name, _)| KEYS.contains(name));
    let keys = keys.map(|(name, value)| format!("{name} {value}"));
    keys.collect::<Vec<_>>().join(", ")
}

/// Returns the rows of the file, of which the first is the header. Returns `None` if the file is
/// not CSV.
fn records(bytes: &[u8]) -> Option<Vec<StringRecord>> {
    let mut builder = ReaderBuilder::new();
    let reader = builder.has_headers(false).flexible(true);
    reader
        .from_reader(bytes)
        .into_records()
        .collect::<Result<_, _>>()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &[u8] = b"algorithm,nodes,messages\nraft,3,4.0\nraft,5,8.0\n";

    // Users look for the changed figure in a spreadsheet, so the text must name its line and
    // column.
    #[test]
    fn the_first_cell_that_differs_is_named() {
        for (old, expected) in [
            (
                "algorithm,nodes,messages\nraft,3,4.0\nraft,5,9.0\n",
                Some(
                    "line 3, column messages (algorithm raft, nodes 5): the file has \"9.0\", a \
                     new run gives \"8.0\"",
                ),
            ),
            (
                "algorithm,nodes,messages\nraft,3\nraft,5,8.0\n",
                Some(
                    "line 2, column messages (algorithm raft, nodes 3): the file has nothing, a \
                     new run gives \"4.0\"",
                ),
            ),
            (
                "algorithm,nodes,messages\nraft,3,4.0\n",
                Some("line 3: the row is missing"),
            ),
            (
                "algorithm,nodes,messages\nraft,3,4.0\nraft,5,8.0\nx,1,1\n",
                Some("line 4: a new run does not give this row"),
            ),
            // Only line breaks differ and no cell, so the caller compares the files as text.
            ("algorithm,nodes,messages\r\nraft,3,4.0\nraft,5,8.0\n", None),
        ] {
            let found = difference(old.as_bytes(), NEW);
            assert_eq!(found.as_deref(), expected, "{old}");
        }
    }
}
