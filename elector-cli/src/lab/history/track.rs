/// Something that lasts, from `from_ns` on and up to `to_ns`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span<T> {
    /// The first moment of it.
    pub(crate) from_ns: u64,
    /// The first moment after it.
    pub(crate) to_ns: u64,
    /// What lasts.
    pub(crate) what: T,
}

impl<T> Span<T> {
    /// Whether it lasts at this moment.
    pub(crate) fn contains(&self, at_ns: u64) -> bool {
        (self.from_ns..self.to_ns).contains(&at_ns)
    }

    /// The part of it inside a window, as `(from, to)`; `None` if there is none.
    pub(crate) fn within(&self, (start_ns, end_ns): (u64, u64)) -> Option<(u64, u64)> {
        let (from, to) = (self.from_ns.max(start_ns), self.to_ns.min(end_ns));
        (from < to).then_some((from, to))
    }
}

/// Collects spans that follow one another from the moments at which they begin.
#[derive(Clone, Debug)]
pub(crate) struct Track<T> {
    spans: Vec<Span<T>>,
    open: Option<(u64, T)>,
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self {
            spans: Vec::new(),
            open: None,
        }
    }
}

impl<T: PartialEq> Track<T> {
    /// From now on it is `what`. What did not last at all leaves no span.
    pub(crate) fn turn(&mut self, at_ns: u64, what: T) {
        if self.open.as_ref().is_some_and(|(_, open)| *open == what) {
            return;
        }
        self.end(at_ns);
        self.open = Some((at_ns, what));
    }

    /// From now on it is nothing.
    pub(crate) fn end(&mut self, at_ns: u64) {
        if let Some((from_ns, what)) = self.open.take()
            && from_ns < at_ns
        {
            self.spans.push(Span {
                from_ns,
                to_ns: at_ns,
                what,
            });
        }
    }

    /// All spans; the last ends with the run.
    pub(crate) fn finish(mut self, end_ns: u64) -> Vec<Span<T>> {
        self.end(end_ns);
        self.spans
    }
}
