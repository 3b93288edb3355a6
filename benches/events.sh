#!/usr/bin/env bash
# The events of a long history, beside an audit of the same, which judges the
# same steps. Machines are noisy: look at the ratios.
#   cargo build --release --bin modelry --examples && benches/events.sh target/release [COMMITS]
set -euo pipefail
release=$(realpath "${1:?the folder of the built programs}")
commits=${2:-20000}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1
"$release/examples/make_history" "$scratch/models" "$commits" >/dev/null
cd "$scratch/models"
git gc -q

modelry=$release/modelry
bridge=(-o eventbridge --account 123456789012 --region eu-central-1)
seconds() { # of one run of a command, and its peak memory in MiB
    /usr/bin/env time -f '%e s, %M KiB' "$@" 2>&1 >"$scratch/out" | tail -1
}
for round in 1 2 3; do
    echo "round $round"
    echo "  modelry audit                         $(seconds "$modelry" audit -o json)"
    echo "  modelry events -o cloudevents         $(seconds "$modelry" events -o cloudevents), $(wc -l <"$scratch/out") events, $(wc -c <"$scratch/out") bytes"
    cp "$scratch/out" "$scratch/whole"
    echo "  modelry events -o eventbridge         $(seconds "$modelry" events "${bridge[@]}"), $(wc -l <"$scratch/out") calls"
done

# Ten new steps: after the point that the clone has verified, and before it.
tip=$(git rev-parse HEAD)
git update-ref HEAD HEAD~10
"$modelry" resolve group-1@latest >/dev/null || true
git update-ref HEAD "$tip"
echo "ten new steps                           $(seconds "$modelry" events HEAD~10..HEAD -o cloudevents)"
echo "ten new steps again, all verified       $(seconds "$modelry" events HEAD~10..HEAD -o cloudevents)"

# Any cut, any count of threads: the same bytes.
for cut in 1 $((commits / 2)) $((commits - 10)); do
    for threads in 1 2; do
        "$modelry" events --threads "$threads" "..HEAD~$cut" -o cloudevents >"$scratch/parts"
        "$modelry" events --threads "$threads" "HEAD~$cut.." -o cloudevents >>"$scratch/parts"
        cmp "$scratch/parts" "$scratch/whole"
    done
done
echo "cuts at three places with one thread and two: the same bytes"
