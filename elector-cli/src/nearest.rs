/// Returns the name in `names` that is most similar to `given`, or `None` if no name is similar. An
/// error message asks whether this name was meant.
#[must_use]
pub(crate) fn nearest<'a>(
    given: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let scored = names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(given, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    // Names with a lower score have only a few letters in common with `given`.
    best.filter(|(score, _)| *score > 0.7).map(|(_, name)| name)
}
