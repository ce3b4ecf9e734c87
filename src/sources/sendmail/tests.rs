//! Lines of Sendmail.
