//! Pages.
/// Parameters.
pub mod parameters {}
