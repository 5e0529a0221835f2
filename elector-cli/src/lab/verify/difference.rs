use super::{csv_files, run_files};

/// The number of characters before the first difference that the description quotes.
const BEFORE: usize = 24;
/// The number of characters from the first difference on that the description quotes.
const AFTER: usize = 40;

/// Describes the first difference between a file and the file that a new run gives. `old` and `new`
/// must not be equal.
#[must_use]
pub(super) fn difference(name: &str, old: &[u8], new: &[u8]) -> String {
    let known = match name.rsplit_once('.') {
        Some((_, "csv")) => csv_files::difference(old, new),
        Some((_, "bin")) => run_files::difference(old, new),
        _ => None,
    };
    known.unwrap_or_else(|| of_text(old, new))
}

/// Describes the first line and character that differ.
fn of_text(old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let pairs = old.chars().zip(new.chars());
    let same: Vec<char> = pairs
        .take_while(|(old, new)| old == new)
        .map(|(same, _)| same)
        .collect();
    let line = same.iter().filter(|c| **c == '\n').count() + 1;
    let column = same.iter().rev().take_while(|c| **c != '\n').count() + 1;
    let skipped = same.len() - (column - 1).min(BEFORE);
    format!(
        "line {line}, character {column}: the file has {}, a new run gives {}",
        excerpt(&old, skipped, same.len() + AFTER),
        excerpt(&new, skipped, same.len() + AFTER)
    )
}

/// Quotes the characters from `from` until `to`, or until the end of the line.
fn excerpt(text: &str, from: usize, to: usize) -> String {
    let part = text.chars().skip(from).take(to - from);
    let part: String = part.take_while(|c| *c != '\n').collect();
    quoted(&part)
}

/// Quotes a text that can contain any characters. Control characters are escaped, because they must
/// not control the terminal of the reader.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    // A page of HTML can be one line of a megabyte, so the text must show only a short part around
    // the difference.
    #[test]
    fn the_first_difference_of_a_text_is_shown_with_its_surroundings() {
        let long = "x".repeat(500);
        let old = format!("a\n{long}<b>12</b>{long}");
        let new = format!("a\n{long}<b>13</b>{long}");
        let text = difference("report.html", old.as_bytes(), new.as_bytes());
        assert!(
            text.starts_with("line 2, character 505: the file has \"xx"),
            "{text}"
        );
        assert!(
            text.contains("xx<b>12</b>xx") && text.contains("xx<b>13</b>xx"),
            "{text}"
        );
        assert!(text.len() < 250, "{text}");
    }

    // If a file was cut off, one side has no character at the difference. If a file is not text,
    // its bytes must be escaped.
    #[test]
    fn ends_and_other_bytes_are_shown() {
        assert_eq!(
            difference("report.html", b"ab", b"abc"),
            "line 1, character 3: the file has \"ab\", a new run gives \"abc\""
        );
        let text = difference("report.html", b"a\x1b[31m\xff", b"a");
        assert!(text.contains("\\u{1b}[31m"), "{text}");
    }
}
