//! Cases as files, cuts, split nights, corpora.
