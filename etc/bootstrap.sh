# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# bootstrap: what ./quickstart and ./runtests share: Debian packages by name,
# and an out-of-tree build.  Sourced; wants $top, the folder of the source.
: "${top:?}"

say() {
	printf '==> %s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "'$*' needs root: run as root or install sudo"
	fi
}

# logged LABEL LOG COMMAND...: run with the output in LOG and a sign of life on
# the terminal: the newest line, or a line now and then where it is no terminal.
logged() {
	local label=$1 log=$2 line lines=0
	shift 2
	say "$label"
	"$@" 2>&1 | tee "$log" | while IFS= read -r line; do
		lines=$((lines + 1))
		if [ -t 1 ]; then
			printf '\r\033[K    %5d  %.60s' "$lines" "$line"
		elif [ $((lines % 50)) -eq 0 ]; then
			printf '    %5d  %.60s\n' "$lines" "$line"
		fi
	done
	local status=${PIPESTATUS[0]}
	[ ! -t 1 ] || printf '\r\033[K'
	return "$status"
}

# progress LABEL LOG COMMAND...: the same, and the end of us when it fails.
progress() {
	logged "$@" && return 0
	tail -n 40 "$2" >&2
	die "failed: $1 (all of it in $2)"
}

# missing_packages FILE...: those named in the files and not installed.
missing_packages() {
	local name
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$@" | while read -r name; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" \
		    2>/dev/null)" = installed ] || printf '%s\n' "$name"
	done
}

# install_packages NAME...
install_packages() {
	[ $# -gt 0 ] || return 0
	say "Installing Debian packages: $*"
	as_root apt-get update -q ||
	    die "apt-get update failed: is this machine online?"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
	    --no-install-recommends "$@" ||
	    die "apt-get could not install: $*"
}

reconfigure() {
	(cd "$1" && ./config.status --recheck && ./config.status)
}

# build_tree BUILD [CONFIGURE ARGUMENT...]: bring a build folder up to date.
# Two commands in one tree take turns.
build_tree() {
	local build=$1 ccache='' lock
	shift
	mkdir -p "$build"
	exec {lock}>"$build/.lock"
	flock "$lock"
	if [ ! -x "$top/configure" ]; then
		progress "Preparing ./configure" "$build/autogen.log" \
		    "$top/autogen.sh"
	fi
	if [ ! -f "$build/Makefile" ]; then
		! command -v ccache >/dev/null || ccache="ccache "
		progress "Configuring in ${build##*/}/" \
		    "$build/configure.log" \
		    env -C "$build" CC="${CC-${ccache}gcc}" \
		    CXX="${CXX-${ccache}g++}" "$top/configure" "$@"
	elif [ /var/lib/dpkg/status -nt "$build/config.status" ]; then
		# ./quickstart configures without what only the tests need.
		progress "Configuring in ${build##*/}/ again: packages changed" \
		    "$build/configure.log" reconfigure "$build"
	fi
	progress "Building in ${build##*/}/" "$build/make.log" \
	    make -C "$build" -j"$(nproc)" all
	exec {lock}>&-
}
