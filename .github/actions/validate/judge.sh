#!/usr/bin/env bash
# Judges what the job is about: annotations, the summary on the job's page, and
# SARIF, all of one judgement, whose exit code is the step's.
set -euo pipefail

summary=${MODELRY_SUMMARY:-$RUNNER_TEMP/modelry-summary.md}
# A runner may keep a clone from job to job, and jobs can write into it: what it
# says was proven before is not believed.
arguments=(validate --ci github --fetch --replay -o github --summary "$summary")
[ -z "${MODELRY_ROOT:-}" ] || arguments+=(--root "$MODELRY_ROOT")
[ -z "${MODELRY_MAINLINE:-}" ] || arguments+=(--mainline "$MODELRY_MAINLINE")
[ -z "${MODELRY_BASE:-}" ] || arguments+=(--base "$MODELRY_BASE")
[ -z "${MODELRY_PATH:-}" ] || arguments+=(--path "$MODELRY_PATH")
[ -z "${MODELRY_SARIF:-}" ] || arguments+=(--report "sarif=$MODELRY_SARIF")

# What an earlier run left must not be taken for this one's.
rm -f -- "$summary" ${MODELRY_SARIF:+"$MODELRY_SARIF"}
code=0
modelry "${arguments[@]}" || code=$?
if [ -f "$summary" ]; then
    cat -- "$summary" >>"$GITHUB_STEP_SUMMARY"
fi
if [ "$code" -gt 1 ]; then
    echo "::error title=modelry::this could not be judged: the step's log says why"
fi
exit "$code"
