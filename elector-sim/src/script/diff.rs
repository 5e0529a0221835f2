use std::fmt::Write as _;

const BEFORE: usize = 4;
const AFTER: usize = 4;

/// Returns the first difference between the text of the file and the text of the run, with the
/// lines around it; `None` if the texts are equal.
pub(super) fn first(file: &str, run: &str) -> Option<String> {
    if file == run {
        return None;
    }
    let (expected, actual): (Vec<&str>, Vec<&str>) =
        (file.lines().collect(), run.lines().collect());
    let shared = expected.iter().zip(&actual);
    let place = shared.take_while(|(old, new)| old == new).count();
    if place == expected.len() && place == actual.len() {
        return Some(format!(
            "{place}: the line endings of the file and of the run differ"
        ));
    }
    let mut text = format!("{}: the run differs from the file", place + 1);
    list(
        &mut text,
        "      ",
        &expected[place.saturating_sub(BEFORE)..place],
    );
    list(&mut text, "file |", following(&expected, place));
    list(&mut text, "run  |", following(&actual, place));
    Some(text)
}

fn following<'a, 'b>(lines: &'a [&'b str], place: usize) -> &'a [&'b str] {
    &lines[place..lines.len().min(place + AFTER)]
}

fn list(text: &mut String, margin: &str, lines: &[&str]) {
    if lines.is_empty() {
        let _ = write!(text, "\n{margin} (no more lines)");
    }
    for line in lines {
        let _ = write!(text, "\n{margin} {line}");
    }
}
