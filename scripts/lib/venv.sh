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

# prepare_venv EXTRAS: nothing happens when what setup.cfg asks for is there already.
prepare_venv() {
    local extras=$1 python wanted
    python=$(find_python)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install -y python3-venv" >&2
        exit 1
    fi
    wanted="$extras $(cat setup.cfg pyproject.toml | sha256sum)"
    if [ -x .venv/bin/python ] && [ "$(cat ".venv/ready$extras" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "Setting up .venv …" >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".$extras" >&2; then
        echo "The packages could not be installed; what pip says stands above. Mend it and run this again." >&2
        exit 1
    fi
    echo "$wanted" >".venv/ready$extras"
}
