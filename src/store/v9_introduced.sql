-- Version 9. How senders and visitors introduced themselves; name 0 where it was different at different times.

-- The account that handed in a sender's mail through a client.
CREATE TABLE logins (
  sender INTEGER NOT NULL, client INTEGER NOT NULL, login INTEGER NOT NULL, mails INTEGER NOT NULL,
  PRIMARY KEY (sender, client)
) STRICT, WITHOUT ROWID;

-- What a client from outside called itself.
CREATE TABLE helos (client INTEGER PRIMARY KEY, helo INTEGER NOT NULL, mails INTEGER NOT NULL) STRICT;
