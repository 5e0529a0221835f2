/// Returns the name that was most likely meant by `given`, for error messages.
#[must_use]
pub(crate) fn nearest<'a>(
    given: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    // With a lower score, the names have only a few letters in common.
    best.filter(|(score, _)| *score > 0.7).map(|(_, name)| name)
}
