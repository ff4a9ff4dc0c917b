#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# readme_commands.sh README: the commands of its section "The command", as a reader pastes them.
exec awk '
  /^## / { wanted = $0 == "## The command" }
  /^```/ { inside = wanted && $0 == "```sh"; next }
  inside { print; found = 1 }
  END { exit !found }' "$1"
