#!/usr/bin/env bash
# Puts `modelry` on the path of the steps that follow: a release whose sum is
# checked, or a build of the checkout that this script is in.
#
#   MODELRY_VERSION   the release, as 1.2.3; empty builds
#   MODELRY_SHA256    the sum of its archive. Given, it proves that the archive is
#                     the one that somebody looked at. Empty, the sum beside the
#                     archive proves a whole download, and nothing of who made it:
#                     whoever can replace the one can replace the other.
#   MODELRY_RELEASES  where releases are, for mirrors and tests; usually those of
#                     the action's repository
#   MODELRY_TOOLCHAIN what builds, as rustup names it; usually stable
set -euo pipefail

refuse() {
    echo "::error title=modelry::$1"
    exit 2
}

version=${MODELRY_VERSION:-}
wanted=${MODELRY_SHA256:-}
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
work=$(mktemp -d "$RUNNER_TEMP/modelry.XXXXXX")
kept=
# Whatever goes wrong, nothing is left that a later step could take for Modelry.
trap '[ -n "$kept" ] || rm -rf "$work"' EXIT

if [ -z "$version" ]; then
    [ -z "$wanted" ] || refuse "the input \`sha256\` is the sum of a release: name its \`version\` too"
    command -v cargo >/dev/null ||
        refuse "there is no Rust toolchain to build with: name a release with the input \`version\`"
    # Rustup and cargo look for toolchains, settings and workspaces in the folder
    # that they run in, and above: of the checkout that is judged none may count.
    mkdir "$work/source"
    tar -C "$source" --exclude=./.git --exclude=./target -cf - . | tar -C "$work/source" --no-same-owner -xf -
    cd "$work/source"
    export RUSTUP_TOOLCHAIN=${MODELRY_TOOLCHAIN:-stable}
    cargo install --locked --quiet --path "$work/source" --root "$work" ||
        refuse "the action's checkout could not be built: the step's log says why"
    cd /
    rm -rf "$work/source"
    kept=1
    echo "$work/bin" >>"$GITHUB_PATH"
    exit
fi

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || refuse "the input \`version\` is no version: write it as 1.2.3"
[[ -z $wanted || $wanted =~ ^[0-9a-f]{64}$ ]] || refuse "the input \`sha256\` is no SHA-256: write 64 digits of 0-9 and a-f"
[ "$(uname -sm)" = "Linux x86_64" ] || refuse "there is no release for $(uname -sm): leave the input \`version\` empty to build"

name=modelry-$version-x86_64-unknown-linux-gnu
releases=${MODELRY_RELEASES:-${GITHUB_SERVER_URL:-https://github.com}/${ACTION_REPOSITORY:-$GITHUB_REPOSITORY}/releases/download}
fetch() { # FILE
    curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$work/$1" "$releases/v$version/$1" ||
        refuse "can't fetch $releases/v$version/$1"
}
fetch "$name.tar.gz"
if [ -z "$wanted" ]; then
    fetch SHA256SUMS
    # One line for the archive, or it is no such list.
    wanted=$(awk -v name="$name.tar.gz" '$2 == name || $2 == "*" name { print $1 }' "$work/SHA256SUMS")
    [[ $wanted =~ ^[0-9a-f]{64}$ ]] || refuse "SHA256SUMS of v$version names no sum of $name.tar.gz"
    echo "the sum is the release's own: the input \`sha256: $wanted\` would pin it"
fi
found=$(sha256sum "$work/$name.tar.gz" | cut -d' ' -f1)
[ "$found" = "$wanted" ] || refuse "$name.tar.gz has the SHA-256 $found, and $wanted was expected: it is not used"

tar -xzf "$work/$name.tar.gz" -C "$work" --no-same-owner "$name/modelry"
said=$("$work/$name/modelry" --version)
[ "$said" = "modelry $version" ] || refuse "the archive of $version holds \`$said\`"
kept=1
echo "$work/$name" >>"$GITHUB_PATH"
