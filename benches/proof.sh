#!/usr/bin/env bash
# A proof from the root beside one that goes on from what the clone remembers, for
# histories of more and more signed commits. Machines are noisy: look at the ratios.
#   cargo build --release --bin modelry --example make_history
#   benches/proof.sh target/release/modelry target/release/examples/make_history [COMMITS…]
set -euo pipefail
modelry=$(realpath "${1:?the modelry program}")
make_history=$(realpath "${2:?the make_history example}")
shift 2
[ $# -gt 0 ] || set -- 1000 10000 20000
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1
for commits in "$@"; do
    "$make_history" "$scratch/models" "$commits" >/dev/null
    cd "$scratch/models"
    git gc -q
    for from in "the root" "what is remembered"; do
        printf '%7s commits, from %-18s ' "$commits" "$from"
        env time -f '%U s of processor, %e s, %M KiB' "$modelry" --threads 1 resolve group-1@latest 2>&1 >/dev/null | tail -1
    done
    cd "$scratch"
    rm -rf models
done
