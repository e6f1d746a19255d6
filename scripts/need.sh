# Sourced by the other scripts: moves to the workspace and makes sure that Rust and a C compiler are there.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*" >&2; }

# Runs a command as root if we are root or may become it without a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n "$@"
    else return 1
    fi
}

# apt_install PACKAGE...: true if they are installed now.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; } >&2
}

# SQLite and zstd are compiled from source, so a linker alone is not enough.
if ! command -v cc >/dev/null 2>&1 && ! apt_install gcc libc6-dev; then
    say "A C compiler is missing. On Debian or Ubuntu: sudo apt-get install -y gcc libc6-dev"
    exit 1
fi

if ! command -v cargo >/dev/null 2>&1 && [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ]; then
    # shellcheck disable=SC1091
    . "${CARGO_HOME:-$HOME/.cargo}/env"
fi
if ! command -v cargo >/dev/null 2>&1; then
    say "Rust is missing. Its own installer, from https://rustup.rs:"
    say "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile default"
    exit 1
fi

target=${CARGO_TARGET_DIR:-$PWD/target}
