# shellcheck shell=bash
# Sourced by the commands beside it: makes .venv and installs this checkout into it.

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        if [ -n "$candidate" ] && command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Cadans needs Python 3.11 or newer. On Debian and Ubuntu: apt-get install -y python3 python3-venv" >&2
    exit 1
}

# prepare_venv [EXTRA…]: nothing happens when what setup.cfg asks for is there already.
prepare_venv() {
    local python wanted extras extra is_there=yes
    python=$(find_python)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install -y python3-venv" >&2
        exit 1
    fi
    wanted=$(cat setup.cfg pyproject.toml | sha256sum)
    for extra in base "$@"; do
        [ "$(cat ".venv/ready-$extra" 2>/dev/null)" = "$wanted" ] || is_there=no
    done
    if [ -x .venv/bin/python ] && [ $is_there = yes ]; then
        return
    fi
    echo "Setting up .venv …" >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    extras=$(IFS=, && echo "$*")
    if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".${extras:+[$extras]}" >&2; then
        echo "The packages could not be installed; what pip says stands above. Mend it and run this again." >&2
        exit 1
    fi
    for extra in base "$@"; do
        echo "$wanted" >".venv/ready-$extra"
    done
}
