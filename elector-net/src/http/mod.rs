//! A node over HTTP.
