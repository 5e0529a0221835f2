use textwrap::{Options, WordSplitter, fill};

/// The width of the lists that commands print, in columns.
pub(crate) const WIDTH: usize = 100;

/// Wraps `text` into lines of at most `width` columns. A word that is longer than a line gets a
/// line of its own. The first line begins with `label`, and the other lines are indented by the
/// width of `label`.
#[must_use]
pub(crate) fn wrapped(text: &str, label: &str, width: usize) -> String {
    let indent = " ".repeat(label.chars().count());
    let options = Options::new(width)
        .initial_indent(label)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_splitter(WordSplitter::NoHyphenation);
    let words: Vec<_> = text.split_whitespace().collect();
    if words.is_empty() {
        return format!("{label}\n"); // `fill` would return no line.
    }
    fill(&words.join(" "), options) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    // If `label` is a name, the text beside it must stay in a column of its own.
    #[test]
    fn all_lines_are_aligned_with_the_first_word() {
        let text = wrapped("one two three four", "name: ", 14);
        assert_eq!(text, "name: one two\n      three\n      four\n");
    }

    // A word that is longer than a line must not be lost.
    #[test]
    fn a_long_word_has_a_line_of_its_own() {
        assert_eq!(wrapped("a abcdefgh b", "", 4), "a\nabcdefgh\nb\n");
        assert_eq!(wrapped("", "x", 4), "x\n");
    }
}
