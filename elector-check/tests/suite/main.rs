//! The tests of the model checker, in one binary.

mod first_come;
mod leases;
mod stock;
mod toy;
mod walks;
