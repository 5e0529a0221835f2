/// Which nodes can reach which other nodes. This type stores the directed links that are cut, as
/// pairs of positions (sender, receiver).
#[derive(Clone, Debug)]
pub(crate) struct Connectivity {
    size: usize,
    // A matrix with one row for each sender; a value of `true` means that the link is cut. The
    // matrix is empty until a link is cut, so that in most runs the test of a link is cheap.
    blocked: Vec<bool>,
}

impl Connectivity {
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            blocked: Vec::new(),
        }
    }

    /// Cuts the link from one node to another. Does nothing if both are the same node, because a
    /// node has no link to itself.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        if from == to {
            return;
        }
        if self.blocked.is_empty() {
            self.blocked = vec![false; self.size * self.size];
        }
        self.blocked[from * self.size + to] = true;
    }

    pub(crate) fn mend(&mut self, from: usize, to: usize) {
        if let Some(link) = self.blocked.get_mut(from * self.size + to) {
            *link = false;
        }
    }

    pub(crate) fn mend_all(&mut self) {
        self.blocked.clear();
    }

    pub(crate) fn is_cut(&self, from: usize, to: usize) -> bool {
        !self.blocked.is_empty() && self.blocked[from * self.size + to]
    }

    pub(crate) fn any_cut(&self) -> bool {
        self.blocked.contains(&true)
    }

    /// Returns `true` if the links between the two nodes are cut in neither direction.
    pub(crate) fn are_connected(&self, a: usize, b: usize) -> bool {
        !self.is_cut(a, b) && !self.is_cut(b, a)
    }

    /// Returns the cut links as pairs of sender and receiver, in ascending order.
    pub(crate) fn list(&self) -> Vec<(usize, usize)> {
        let cut = self.blocked.iter().enumerate().filter(|&(_, &cut)| cut);
        cut.map(|(place, _)| (place / self.size, place % self.size))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A cut is directed: if one direction is mended, the other direction must stay cut.
    #[test]
    fn cuts_are_directed() {
        let mut connectivity = Connectivity::new(3);
        assert!(!connectivity.is_cut(0, 1) && !connectivity.any_cut());
        connectivity.cut(0, 1);
        connectivity.cut(1, 0);
        connectivity.cut(2, 2);
        connectivity.mend(1, 0);
        assert!(connectivity.is_cut(0, 1) && !connectivity.is_cut(1, 0));
        assert!(!connectivity.are_connected(0, 1) && connectivity.are_connected(0, 2));
        assert_eq!(connectivity.list(), [(0, 1)]);
        connectivity.mend_all();
        assert!(!connectivity.any_cut());
    }
}
