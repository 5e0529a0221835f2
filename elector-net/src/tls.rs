//! Mutual TLS.

/// A placeholder until the branch with TLS is merged.
#[derive(Clone, Debug)]
pub struct Tls;
