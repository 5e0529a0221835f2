/// The width of lists, in columns.
pub(crate) const WIDTH: usize = 100;

/// Wraps `text` into lines of at most `width` columns. A word that is longer gets a line of its
/// own. The first line begins with `label`, and the others are indented by its width.
#[must_use]
pub(crate) fn wrapped(text: &str, label: &str, width: usize) -> String {
    let indent = label.chars().count();
    let (mut lines, mut column) = (label.to_owned(), indent);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    // A paragraph beside a name must stay in its own column.
    #[test]
    fn all_lines_are_aligned_with_the_first_word() {
        let text = wrapped("one two three four", "name: ", 14);
        assert_eq!(text, "name: one two\n      three\n      four\n");
    }

    // A word that is longer than the line must not be lost.
    #[test]
    fn a_long_word_has_a_line_of_its_own() {
        assert_eq!(wrapped("a abcdefgh b", "", 4), "a\nabcdefgh\nb\n");
        assert_eq!(wrapped("", "x", 4), "x\n");
    }
}
