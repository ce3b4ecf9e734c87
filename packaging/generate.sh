#!/bin/sh
# What the Debian package wants beside the program: manual pages and completions, from the program itself.
#   cargo build --release --locked && packaging/generate.sh && cargo deb --no-build --strip
set -eu
cd "$(dirname "$0")/.."
program=${1:-target/release/bouncewatch}
into=target/packaging
rm -rf "$into"
mkdir -p "$into/man"
"$program" man "$into/man"
gzip -9n "$into"/man/*.1
for shell in bash zsh fish; do
    "$program" completions "$shell" > "$into/bouncewatch.$shell"
done
