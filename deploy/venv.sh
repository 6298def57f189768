#!/bin/sh
# Brings .venv up to date with a requirements file (requirements.txt or requirements-dev.txt).
# With --compile it compiles all that it has installed, for accounts that may not write there later.
# Does nothing when what is installed was installed from the same text: a copy of it is kept in .venv.
set -eu
wanted=$1

find_python() {
    for name in python3.11 python3 python3.12 python3.13; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "Belfry needs Python 3.11 or newer, and found none. Install it, for example: apt install python3.11-venv" >&2
    return 1
}

installed() {
    cmp -s requirements.txt ".venv/installed/$1/requirements.txt" &&
        cmp -s constraints.txt ".venv/installed/$1/constraints.txt" && cmp -s "$1" ".venv/installed/$1/$1"
}

if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    python=$(find_python)
    echo "Making the virtual environment .venv with $("$python" --version)"
    "$python" -m venv --clear .venv || {
        echo "The module venv does not work. On Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    }
fi

# The development set contains the other one.
if ! installed "$wanted" && ! { [ "$wanted" = requirements.txt ] && installed requirements-dev.txt; }; then
    echo "Installing $wanted"
    rm -rf .venv/installed
    .venv/bin/python -m deploy.install "$@"
    mkdir -p ".venv/installed/$wanted"
    cp requirements.txt constraints.txt ".venv/installed/$wanted/"
    [ "$wanted" = requirements.txt ] || cp "$wanted" ".venv/installed/$wanted/"
fi
