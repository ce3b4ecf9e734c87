-- What the last nights found, in one line each, to tell what changed.
CREATE TABLE nights (at INTEGER PRIMARY KEY, headlines TEXT NOT NULL) STRICT;
