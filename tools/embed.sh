#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# embed.sh HEADER NAME FILE: C on stdout in which NAME and NAME_len, declared
# in HEADER, are the bytes of FILE.
set -eu
printf '#include "%s"\n\nconst uint8_t %s[] = {\n' "$1" "$2"
od -An -v -tu1 "$3" | sed 's/$/,/; s/\([0-9]\) /\1, /g'
printf '};\nconst size_t %s_len = sizeof(%s);\n' "$2" "$2"
