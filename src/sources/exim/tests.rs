//! Lines of Exim.
