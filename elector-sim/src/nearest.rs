/// Returns the name in `names` that is most similar to `asked`, for error messages. Returns `None`
/// if no name is similar enough.
#[must_use]
pub(crate) fn nearest<'a>(
    asked: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(asked, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    // Two words with a lower score share only a few letters.
    best.filter(|(score, _)| *score > 0.7).map(|(_, name)| name)
}
