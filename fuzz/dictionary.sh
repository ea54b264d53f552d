#!/usr/bin/env bash
# dictionary.sh: the words of the grammars as a dictionary of libFuzzer's, each once.
set -euo pipefail
cd "$(dirname "$0")/../grammars"
# Every text between quotes of 3 to 48 plain characters; backslashes and quotes would need escapes of their own.
grep -rhoE "\"[^\"\\\\]{3,48}\"|'[^'\"\\\\]{3,48}'" --include='*.toml' . | sed "s/^'\(.*\)'\$/\"\1\"/" | LC_ALL=C grep -v '[^ -~]' | LC_ALL=C sort -u
