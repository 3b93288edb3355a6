#!/usr/bin/env bash
# An import of many model versions from a real MLflow server (sqlite), beside
# MLflow's own time to create them. Needs python3 with mlflow.
# Machines are noisy: look at the ratios.
#   cargo build --release --bin modelry && benches/import.sh target/release [VERSIONS]
set -euo pipefail
modelry=$(realpath "${1:?the folder of the built program}")/modelry
versions=${2:-2000}
scratch=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export HOME=$scratch GIT_CONFIG_NOSYSTEM=1 MLFLOW_TRACKING_URI=http://127.0.0.1:$port
export MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true
setsid python3 -m mlflow server --host 127.0.0.1 --port "$port" --workers 1 \
    --backend-store-uri "sqlite:///$scratch/mlflow.db" --artifacts-destination "$scratch/artifacts" \
    >"$scratch/server.log" 2>&1 &
server=$!
trap 'kill -- "-$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
until curl -fs "$MLFLOW_TRACKING_URI/health" >/dev/null; do
    kill -0 "$server" && sleep 0.2
done

# Twenty models; each version with a run of two metrics and two parameters.
python3 - "$versions" <<'PYTHON'
import logging, sys, time
logging.disable(logging.CRITICAL)
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

client, count = MlflowClient(), int(sys.argv[1])
experiment = client.create_experiment("bench")
for model in range(20):
    client.create_registered_model(f"model {model}")
runs = []
begun = time.time()
for n in range(count):
    run = client.create_run(experiment).info.run_id
    client.log_batch(run, [Metric("auc", 0.5, 1, 0), Metric("loss", n / count, 1, 0)], [Param("depth", "7"), Param("n", str(n))])
    runs.append(run)
between = time.time()
for n, run in enumerate(runs):
    client.create_model_version(f"model {n % 20}", f"s3://models/{n}", run_id=run, tags={"n": str(n)})
ended = time.time()
for what, took in (("runs", between - begun), ("model versions", ended - between)):
    print(f"MLflow: {count} {what} created in {took:.1f} s, {count / took:.0f} a second")
PYTHON

ssh-keygen -q -t ed25519 -N '' -f "$scratch/key"
git init -q --initial-branch=main "$scratch/models"
cd "$scratch/models"
git config user.name bench
git config user.email bench@example.com
git config gpg.format ssh
git config user.signingkey "$scratch/key"
"$modelry" init --name bench --actor bench >/dev/null
timed() { # the seconds of a command, and its versions a second
    local begun ended
    begun=$(date +%s.%N)
    "$@" >/dev/null
    ended=$(date +%s.%N)
    awk -v a="$begun" -v b="$ended" -v n="$versions" 'BEGIN { printf "%.1f s, %.0f versions a second\n", b - a, n / (b - a) }'
}
echo "modelry import mlflow --dry-run         $(timed "$modelry" import mlflow "$MLFLOW_TRACKING_URI" --dry-run)"
echo "modelry import mlflow, unsigned records $(timed "$modelry" import mlflow "$MLFLOW_TRACKING_URI" --branch side --no-record-signature)"
echo "modelry import mlflow                   $(timed "$modelry" import mlflow "$MLFLOW_TRACKING_URI")"
echo "modelry import mlflow, all of it there  $(timed "$modelry" import mlflow "$MLFLOW_TRACKING_URI")"
echo "modelry audit                           $(timed "$modelry" audit --trust-root 2>/dev/null || timed "$modelry" audit)"
