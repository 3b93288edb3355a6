#!/usr/bin/env bash
# An audit of a long history, cold, with one thread and two, beside git's own
# look at signatures and the bare cost of reading commits and verifying them.
# Machines are noisy: look at the ratios.
#   cargo build --release --bin modelry --examples && benches/audit.sh target/release [COMMITS]
set -euo pipefail
release=$(realpath "${1:?the folder of the built programs}")
commits=${2:-20000}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1
"$release/examples/make_history" "$scratch/models" "$commits" >/dev/null
cd "$scratch/models"
git gc -q
"$release/modelry" allowed-signers >"$scratch/signers"
git config gpg.ssh.allowedSignersFile "$scratch/signers"

seconds() { # of one run of a command, and its peak memory in MiB
    /usr/bin/env time -f '%e s, %M KiB' "$@" 2>&1 >/dev/null | tail -1
}
for round in 1 2 3; do
    echo "round $round"
    echo "  modelry audit --threads 1             $(seconds "$release/modelry" audit --threads 1)"
    echo "  modelry audit --threads 2             $(seconds "$release/modelry" audit --threads 2)"
    echo "  bare loop, one thread                 $("$release/examples/bare_loop" .)"
    echo "  git log --show-signature -500         $(seconds git log --show-signature -500)"
done

# Ten new steps, after a point that the clone has verified.
tip=$(git rev-parse HEAD)
git update-ref HEAD HEAD~10
"$release/modelry" resolve group-1@latest >/dev/null || true
git update-ref HEAD "$tip"
echo "ten new steps (resolve)                 $(seconds "$release/modelry" resolve group-1@latest)"
echo "ten new steps again, all verified       $(seconds "$release/modelry" resolve group-1@latest)"
echo "git rev-parse HEAD                      $(seconds git rev-parse HEAD)"
