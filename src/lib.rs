pub use elector_core as core;
