#!/usr/bin/env bash
# What the action does: action.yml gives LOGS, BASELINE, ARCHIVE and SARIF; the runner gives GITHUB_OUTPUT and GITHUB_STEP_SUMMARY.
set -euo pipefail
kanalyze=${KANALYZE:-kanalyze}
if [ -n "${ARCHIVE:-}" ]; then
    folder=$(mktemp -d)
    case $ARCHIVE in
        https://*) curl --fail --silent --show-error --location "$ARCHIVE" ;;
        *) cat -- "$ARCHIVE" ;;
    esac | tar -xJ -C "$folder" --strip-components 1
    kanalyze=$folder/bin/kanalyze
fi
read -r -a logs <<< "${LOGS:?the input logs is empty}"
options=()
[ -z "${BASELINE:-}" ] || options=(--baseline "$BASELINE")
status=0
"$kanalyze" check "${options[@]}" --format sarif -- "${logs[@]}" > "${SARIF:-kanalyze.sarif}" || status=$?
echo "status=$status" >> "${GITHUB_OUTPUT:-/dev/null}"
said=$("$kanalyze" check "${options[@]}" -- "${logs[@]}" 2>&1) || true
printf '%s\n' "$said"
{
    echo '### Kernel logs'
    echo
    # As code, so that nothing in a log is markup here.
    printf '%s\n' "$said" | sed 's/^/    /'
} >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
exit "$status"
