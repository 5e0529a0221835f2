/// How many columns wide lists are.
pub(crate) const WIDTH: usize = 100;

/// `text` in lines of at most `width` columns, as far as its words allow; the first begins with
/// `label`, the others are indented as far.
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

    // A paragraph beside a name must stay beside it.
    #[test]
    fn lines_hang_under_the_first_word() {
        let text = wrapped("one two three four", "name: ", 14);
        assert_eq!(text, "name: one two\n      three\n      four\n");
    }

    // A word longer than the line has to go somewhere.
    #[test]
    fn long_words_stand_alone() {
        assert_eq!(wrapped("a abcdefgh b", "", 4), "a\nabcdefgh\nb\n");
        assert_eq!(wrapped("", "x", 4), "x\n");
    }
}
