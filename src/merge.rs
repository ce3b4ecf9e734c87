//! What threads, nights and machines learned, put together.

/// A learner's state that can be joined with another's.
///
/// Three laws, held by `tests/it/laws.rs`: associative, commutative, and `Self::default()` is the identity.
pub trait Merge: Default {
    /// Takes in everything `other` knows.
    fn merge(&mut self, other: Self);
}
