-- Version 8. How many strangers were let go for lack of room: a sketch, which only counts.
CREATE TABLE crowd (sketch TEXT NOT NULL) STRICT;
