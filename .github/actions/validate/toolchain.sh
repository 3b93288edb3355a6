#!/usr/bin/env bash
# Names what a build depends on, for the key of its cache, and where it goes.
#
#   MODELRY_TOOLCHAIN  as rustup names it; usually stable
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# What is judged has no say in what compiles: rustup and cargo look for files in
# the folder that they run in, and above.
cd "$RUNNER_TEMP"
export RUSTUP_TOOLCHAIN=${MODELRY_TOOLCHAIN:-stable}

if ! command -v cargo >/dev/null; then
    echo "::error title=modelry::there is no Rust toolchain to build with: name a release with the input \`version\`"
    exit 2
fi
key=$({ rustc -vV; cat "$source/Cargo.lock"; } | sha256sum | cut -d' ' -f1)
{
    echo "key=$key"
    echo "target=$RUNNER_TEMP/modelry-target"
} >>"$GITHUB_OUTPUT"
