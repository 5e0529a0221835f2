//! Makes a private CA and node certificates.
