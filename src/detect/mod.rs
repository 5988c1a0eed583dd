//! Which tickets belong together.
pub struct Engine;
