# /etc/cron.d/bouncewatch, for machines without systemd. Silent on a clean night, so cron mails only what matters.
# Exit status 1: not done; 4: an alert waits for its sink. A run that is still going on is not disturbed.
MAILTO=postmaster
0 2 * * *  bouncewatch  /usr/bin/bouncewatch run --config /etc/bouncewatch/bouncewatch.toml --quiet
# Forget what is older than a year, on the first of the month.
0 5 1 * *  bouncewatch  /usr/bin/bouncewatch db prune --config /etc/bouncewatch/bouncewatch.toml --quiet --before "$(date -d '1 year ago' +\%F)"
