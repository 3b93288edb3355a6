#!/usr/bin/env bash
# Relays the reviews of the pull requests that a push to the mainline landed, and
# pushes the commit that says so.
#
#   MODELRY_ROOT      the registry's first commit, OID or OID:FOLDER
#   MODELRY_KEY       the machine's private SSH key
#   MODELRY_MAINLINE  the branch that counts
#   MODELRY_BEFORE    the mainline before the push
#   MODELRY_REJECT    true: a request for changes rejects
set -euo pipefail

refuse() {
    echo "::error title=modelry::$1"
    exit 2
}

[ "$GITHUB_EVENT_NAME" = push ] ||
    refuse "reviews are relayed after the landing, on a push to the mainline: a job of a $GITHUB_EVENT_NAME can be rewritten by the pull request that it would speak for"
mainline=${MODELRY_MAINLINE:-}
mainline=${mainline#refs/heads/}
[ -n "$mainline" ] || refuse "nothing says which branch is the mainline: name it with the input \`mainline\`"
[ "${GITHUB_REF:-}" = "refs/heads/$mainline" ] ||
    refuse "this is a push to ${GITHUB_REF:-no branch}, and reviews are relayed on pushes to the mainline, $mainline"
[[ $MODELRY_BEFORE =~ ^([0-9a-f]{40}|[0-9a-f]{64})$ && ! $MODELRY_BEFORE =~ ^0+$ ]] ||
    refuse "this push made the branch: there is no mainline before it"
[ -n "${MODELRY_ROOT:-}" ] || refuse "the input \`root\` is empty: name the registry's first commit"
[ -n "${MODELRY_KEY:-}" ] || refuse "the input \`key\` is empty: the secret is not set, or this branch may not use it"
git cat-file -e "$MODELRY_BEFORE^{commit}" 2>/dev/null ||
    refuse "commit $MODELRY_BEFORE is not in this checkout: check out with \`fetch-depth: 0\`"

key=$(mktemp "$RUNNER_TEMP/relay.XXXXXX")
trap 'rm -f "$key" "$key.pub"' EXIT
printf '%s\n' "$MODELRY_KEY" | tr -d '\r' >"$key"
unset MODELRY_KEY
ssh-keygen -y -P "" -f "$key" >"$key.pub" 2>/dev/null ||
    refuse "the input \`key\` is no private SSH key without a passphrase"
export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=gpg.format GIT_CONFIG_VALUE_0=ssh
export GIT_CONFIG_KEY_1=user.signingkey GIT_CONFIG_VALUE_1="$key"
export GIT_AUTHOR_NAME="Modelry relay" GIT_AUTHOR_EMAIL=relay@localhost
export GIT_COMMITTER_NAME="$GIT_AUTHOR_NAME" GIT_COMMITTER_EMAIL="$GIT_AUTHOR_EMAIL"
modelry trust "$MODELRY_ROOT" >/dev/null

# Those who approve a pull request see what it changes in its base. Of one that
# was not for the mainline, from the first to the last, that is less than what
# landed here.
is_for_mainline() { # NUMBER BASE
    local changed
    if [ "$2" = "$mainline" ]; then
        changed=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$1/timeline" \
            --jq '.[] | select(.event == "base_ref_changed" or .event == "automatic_base_change_succeeded") | .event') ||
            refuse "the timeline of pull request $1 can't be read"
        [ -n "$changed" ] || return 0
    fi
    echo "::warning title=modelry::pull request $1 was not for $mainline all along, so its reviews are not relayed: who agrees with what landed approves it with a key"
    return 1
}

# A push may land several pull requests, and one may land as several commits.
commits=$(git rev-list --first-parent --reverse "$MODELRY_BEFORE..$GITHUB_SHA") ||
    refuse "the commits of this push can't be listed"
pulls=
for commit in $commits; do
    pulls+=$(gh api --paginate "repos/$GITHUB_REPOSITORY/commits/$commit/pulls" \
        --jq '.[] | select(.merged_at != null) | "\(.number) \(.base.ref)"')$'\n' ||
        refuse "the pull requests of commit $commit can't be read"
done
numbers=
while read -r number base; do
    [ -n "$number" ] || continue
    if is_for_mainline "$number" "$base"; then
        numbers+=" $number"
    fi
done < <(printf '%s' "$pulls" | sort -nu)
if [ -z "$numbers" ]; then
    echo "no pull request for $mainline landed with this push: there is nothing to relay"
    exit
fi
relay() { # NUMBER
    git fetch --quiet origin "refs/pull/$1/head" || return
    gh api --paginate --slurp "repos/$GITHUB_REPOSITORY/pulls/$1/reviews" >"$RUNNER_TEMP/reviews.json" || return
    modelry relay github "$RUNNER_TEMP/reviews.json" --base "$MODELRY_BEFORE" --push --yes \
        -m "reviewed in pull request $1" "${more[@]}"
}
more=()
[ "${MODELRY_REJECT:-}" != true ] || more+=(--reject)
# One that can't be relayed keeps no other from it.
worst=0
for number in $numbers; do
    code=0
    relay "$number" || code=$?
    if [ "$code" -ne 0 ]; then
        echo "::error title=modelry::the reviews of pull request $number were not relayed"
        [ "$code" -le "$worst" ] || worst=$code
    fi
done
exit "$worst"
