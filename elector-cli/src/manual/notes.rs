use clap_mangen::roff::{Roff, roman};

/// The sections into which a text can be split, in the order that is usual in man pages.
const HEADINGS: [&str; 4] = ["NOTES", "SIGNALS", "EXAMPLES", "EXIT STATUS"];
const NOTES: usize = 0;
const SIGNALS: usize = 1;
const EXAMPLES: usize = 2;
const EXIT_STATUS: usize = 3;

/// The text that follows the options on a help page, split into the sections of a man page.
#[derive(Debug, Default)]
pub(super) struct Notes {
    sections: [Vec<Block>; HEADINGS.len()],
}

/// A part of a section of a man page.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    /// Lines of running text, which `man` wraps to the width of the terminal.
    Paragraph(Vec<String>),
    /// Lines that `man` must print unchanged: commands and tables.
    Verbatim(Vec<String>),
}

impl Notes {
    /// Reads the text of a help page. An indented line is verbatim. A line such as `Examples:`
    /// begins a section, and a blank line ends the section: the text after a blank line belongs to
    /// the section NOTES.
    pub(super) fn read(text: &str) -> Self {
        let mut notes = Self::default();
        let mut section = NOTES;
        let mut is_new = true;
        for line in text.lines() {
            match line.trim_end() {
                "" => (section, is_new) = (NOTES, true),
                "Example:" | "Examples:" => (section, is_new) = (EXAMPLES, true),
                "Signals:" => (section, is_new) = (SIGNALS, true),
                line => {
                    if line.starts_with("Exit code:") {
                        (section, is_new) = (EXIT_STATUS, true);
                    }
                    notes.add(section, line, is_new);
                    is_new = false;
                }
            }
        }
        notes
    }

    fn add(&mut self, section: usize, line: &str, is_new: bool) {
        let blocks = &mut self.sections[section];
        let last = blocks.last_mut().filter(|_| !is_new);
        match (line.strip_prefix(' '), last) {
            (Some(line), Some(Block::Verbatim(lines))) => lines.push(line.to_owned()),
            (None, Some(Block::Paragraph(lines))) => lines.push(line.to_owned()),
            (Some(line), _) => blocks.push(Block::Verbatim(vec![line.to_owned()])),
            (None, _) => blocks.push(Block::Paragraph(vec![line.to_owned()])),
        }
    }

    /// Appends the sections that are not empty to `page`.
    pub(super) fn render(&self, page: &mut Roff) {
        for (heading, blocks) in HEADINGS.iter().zip(&self.sections) {
            if !blocks.is_empty() {
                page.control("SH", [*heading]);
            }
            for (position, block) in blocks.iter().enumerate() {
                if position > 0 {
                    page.control("PP", []);
                }
                block.render(page);
            }
        }
    }
}

impl Block {
    fn render(&self, page: &mut Roff) {
        match self {
            Self::Paragraph(lines) => {
                page.text([roman(lines.join("\n"))]);
            }
            Self::Verbatim(lines) => {
                page.control("nf", []);
                for line in lines {
                    page.text([roman(line)]);
                }
                page.control("fi", []);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A help page has headings such as `Examples:`. On a man page, readers look for the usual
    // sections, and an example must stay one line that can be copied.
    #[test]
    fn a_text_is_split_into_the_sections_of_a_man_page() {
        let notes = Notes::read(
            "Examples:\n  elector one\n  elector two\n\nEvery run has\na seed.\nExit code: 0 \
             it\nran.",
        );
        let [all, signals, examples, exit] = &notes.sections;
        let lines = |lines: &[&str]| lines.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(
            examples[..],
            [Block::Verbatim(lines(&[" elector one", " elector two"]))]
        );
        assert_eq!(
            all[..],
            [Block::Paragraph(lines(&["Every run has", "a seed."]))]
        );
        assert_eq!(
            exit[..],
            [Block::Paragraph(lines(&["Exit code: 0 it", "ran."]))]
        );
        assert!(signals.is_empty());
    }

    // If the dot was not escaped, troff would read a line that begins with a dot as a command, and
    // would not print it.
    #[test]
    fn a_line_that_begins_with_a_dot_is_text() {
        let mut page = Roff::new();
        Notes::read("  .so /etc/passwd\n.TH x").render(&mut page);
        let page = page.to_roff();
        assert!(!page.lines().any(|line| line.starts_with(".so")), "{page}");
        assert!(!page.lines().any(|line| line.starts_with(".TH")), "{page}");
    }
}
