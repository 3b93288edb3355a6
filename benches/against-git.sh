#!/usr/bin/env bash
# Medians of whole commands, beside git doing the like, in a new folder with a
# throwaway key. Machines are noisy: look at the ratios.
#   cargo build --release && benches/against-git.sh target/release/modelry
set -euo pipefail
modelry=$(realpath "${1:?the modelry program}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1
cd "$scratch"
ssh-keygen -q -t ed25519 -N "" -C "throwaway key of a benchmark" -f key
git init -q -b main models
cd models
git config gpg.format ssh
git config user.signingkey ../key
git config user.name Bench
git config user.email bench@example.com
"$modelry" init --solo --actor bench >/dev/null
"$modelry" group create churn >/dev/null
for n in $(seq 45); do
    "$modelry" register churn --artifact "s3://m/$n" --digest "sha256:$(printf '%064d' "$n")" >/dev/null
done

# Microseconds of one run of a command.
once() {
    local start end
    start=$(date +%s%N)
    "$@" >/dev/null 2>&1
    end=$(date +%s%N)
    echo $(((end - start) / 1000))
}
median() { sort -n | awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'; }
row() { printf '%-44s %8s us\n' "$1" "$2"; }

row "git rev-parse HEAD" "$(for _ in $(seq 40); do once git rev-parse HEAD; done | median)"
row "modelry --version" "$(for _ in $(seq 40); do once "$modelry" --version; done | median)"
row "modelry show" "$(for _ in $(seq 40); do once "$modelry" show churn/3; done | median)"
row "modelry approve, both signatures" "$(for n in $(seq 1 20); do once "$modelry" approve "churn/$n" -m x; done | median)"
row "modelry approve, the commit's alone" "$(for n in $(seq 21 40); do once "$modelry" approve "churn/$n" -m x --no-record-signature; done | median)"
row "git commit -S of one file" "$(for n in $(seq 20); do echo "# $n" >>groups/churn/group.yaml; once git commit -q -S -a -m x; done | median)"
git reset -q --hard HEAD~20
row "modelry validate HEAD~1..HEAD" "$(for _ in $(seq 20); do once "$modelry" validate HEAD~1..HEAD; done | median)"
