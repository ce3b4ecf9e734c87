-- Version 10. Mail sent to servers in each country, and what of it nobody answered; only of runs with --geoip.
CREATE TABLE countries (
  day INTEGER NOT NULL, country TEXT NOT NULL, emails INTEGER NOT NULL, attempts INTEGER NOT NULL,
  timeouts INTEGER NOT NULL, interrupted INTEGER NOT NULL,
  PRIMARY KEY (day, country)
) STRICT, WITHOUT ROWID;
