#!/usr/bin/env bash
# Medians of a push of one commit to a guarded repository, beside the same push
# without the hook, for registries of more and more versions.
#   cargo build --release && cargo build --release --example make_history
#   benches/pre-receive.sh target/release/modelry target/release/examples/make_history [VERSIONS…]
set -euo pipefail
modelry=$(realpath "${1:?the modelry program}")
make_history=$(realpath "${2:?the make_history example}")
shift 2
[ $# -gt 0 ] || set -- 100 10000 100000
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1
pushes=20

# Milliseconds, with two digits, of the middle one.
median() { sort -n | awk '{a[NR] = $1} END {printf "%.2f", a[int((NR + 1) / 2)] / 1000000}'; }

# Pushes the client's next commits one by one; nanoseconds of each to a file.
push() { # NAME FIRST
    local n start
    for n in $(seq "$2" -1 $(($2 - pushes + 1))); do
        start=$(date +%s%N)
        git -C client push -q "$scratch/$1.git" "main~$n:refs/heads/main" 2>"$scratch/said" || { cat "$scratch/said" >&2; exit 1; }
        echo $(($(date +%s%N) - start)) >>"$scratch/$1.times"
    done
}

cd "$scratch"
printf '%9s  %10s  %10s  %10s  %14s\n' versions "hook ms" "with ms" "without ms" "first proof ms"
for versions in "$@"; do
    rm -rf client ./*.git ./*.times
    # Root, groups, the bulk, and then enough commits to push one by one.
    commits=$((1 + 50 + (versions + 999) / 1000 + pushes + 4))
    "$make_history" client "$commits" --versions "$versions" >/dev/null 2>&1
    for name in with without; do
        git init -q --bare -b main "$name.git"
        git -C client push -q "$scratch/$name.git" "main~$pushes:refs/heads/main"
        git -C "$name.git" gc -q
    done
    start=$(date +%s%N)
    "$modelry" -C with.git hook install --server --root "$(git -C client config modelry.root)" >/dev/null
    first=$(($(date +%s%N) - start))
    cat >with.git/hooks/pre-receive <<HOOK
#!/bin/sh
start=\$(date +%s%N)
'$modelry' hook pre-receive || exit
echo \$((\$(date +%s%N) - start)) >>'$scratch/hook.times'
HOOK
    push without $((pushes - 1))
    push with $((pushes - 1))
    printf '%9s  %10s  %10s  %10s  %14s\n' "$versions" "$(median <hook.times)" "$(median <with.times)" "$(median <without.times)" "$((first / 1000000))"
done
