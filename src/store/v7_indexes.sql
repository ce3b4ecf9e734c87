-- Version 7. What is asked for by alert and by disclosure is found so; both tables were walked whole for each.
CREATE INDEX alert_told_by_alert ON alert_told (alert);
CREATE INDEX disclosure_trail_by_disclosure ON disclosure_trail (disclosure);
