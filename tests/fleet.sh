#!/usr/bin/env bash
# The wheel: built, installed into a fresh folder, run by uvx; then Spark with two workers runs it over 20,000 logs (tests/fleet.py).
#
# usage: tests/fleet.sh PROFILE PYTHON [LOGS]     PROFILE is cargo's, whose build is used again; PYTHON a virtual environment with maturin,
#                                                 uv, pyarrow and pyspark, which tests/all.sh installs. Without Java only the wheel is tested.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=$1
tools=$(cd "$2" && pwd)/bin
logs=${3:-20000}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

(cd python && "$tools/maturin" build --quiet --profile "$profile" --out "$scratch/wheels")
wheel=$(echo "$scratch"/wheels/kanalyze-*.whl)

# A fresh folder without anything else: neither pyarrow nor a compiler.
"$tools/python" -m venv "$scratch/fresh"
"$scratch/fresh/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$wheel"
"$scratch/fresh/bin/kanalyze" --version
(cd "$scratch" && env -u KANALYZE -u PYTHONPATH "$scratch/fresh/bin/python" - "$OLDPWD/corpus/lab/logs" <<'PYTHON'
import doctest, sys
import kanalyze
logs = sys.argv[1]
assert doctest.testmod(kanalyze) == (0, 2)
assert kanalyze.binary().startswith(sys.prefix), kanalyze.binary()
reports = kanalyze.parse([f"{logs}/oops_bug.log", f"{logs}/hang_chain.log"])
assert {report["log"].rpartition("/")[2] for report in reports} == {"oops_bug.log", "hang_chain.log"}
for work, expected in [(lambda: kanalyze.parse("absent.log"), kanalyze.Failed), (lambda: kanalyze.table(logs), kanalyze.Missing)]:
    try:
        work()
    except expected as error:
        assert "absent.log" in str(error) or "pip install" in str(error), error
    else:
        raise SystemExit(f"{expected.__name__} was not raised")
PYTHON
)
cp corpus/lab/logs/oops_bug.log "$scratch/console.log"
status=0
said=$(cd "$scratch" && "$tools/uvx" --offline --quiet --python "$tools/python" --from "$wheel" kanalyze console.log) || status=$?
case $status:$said in 1:*"kernel BUG"*) ;; *) echo "uvx kanalyze console.log: status $status: $said"; exit 1 ;; esac
echo "the wheel ($(stat -c %s "$wheel") bytes) installs and runs"

if ! java -version 2>/dev/null; then
    if [ -n "${CI:-}" ]; then echo "Java is missing: openjdk-17-jre-headless"; exit 1; fi
    echo "ignored: Java is not here, so no fleet was run"
    exit
fi
# The same packages and the wheel, nothing of it in the environment that is kept.
"$tools/python" -m venv "$scratch/venv"
"$tools/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > "$("$scratch/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kept.pth"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps "$wheel"
env -u KANALYZE -u PYTHONPATH "$scratch/venv/bin/python" tests/fleet.py corpus "$scratch/fleet" --logs "$logs"
