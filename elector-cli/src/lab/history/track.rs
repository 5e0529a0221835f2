/// A value that holds from `from_ns` until `to_ns`, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span<T> {
    /// The first moment of the span.
    pub(crate) from_ns: u64,
    /// The first moment after the span.
    pub(crate) to_ns: u64,
    /// The value that holds during the span.
    pub(crate) what: T,
}

impl<T> Span<T> {
    /// Returns `true` if this moment is in the span.
    pub(crate) fn contains(&self, at_ns: u64) -> bool {
        (self.from_ns..self.to_ns).contains(&at_ns)
    }

    /// Returns the part of the span that is inside a window, as `(from, to)`. Returns `None` if no
    /// part is inside.
    pub(crate) fn within(&self, (start_ns, end_ns): (u64, u64)) -> Option<(u64, u64)> {
        let (from, to) = (self.from_ns.max(start_ns), self.to_ns.min(end_ns));
        (from < to).then_some((from, to))
    }
}

/// A value that changes over time. It becomes a list of consecutive spans: each call of
/// [`set`](Self::set) with another value begins a new span.
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
    /// Sets the value from this moment on. A previous value that began at the same moment is
    /// dropped, and gets no span.
    pub(crate) fn set(&mut self, at_ns: u64, what: T) {
        if self.open.as_ref().is_some_and(|(_, open)| *open == what) {
            return;
        }
        self.end(at_ns);
        self.open = Some((at_ns, what));
    }

    /// Ends the present value at this moment. No value follows it until the next
    /// [`set`](Self::set).
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

    /// Returns all spans. The last span ends at `end_ns`, the end of the run.
    pub(crate) fn finish(mut self, end_ns: u64) -> Vec<Span<T>> {
        self.end(end_ns);
        self.spans
    }
}
