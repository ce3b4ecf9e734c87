"""bouncewatch's ledger, read on Apache Spark: Spark splits, retries and shuffles, the binary reads, classifies and folds."""
