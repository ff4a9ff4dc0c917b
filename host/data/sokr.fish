# SPDX-License-Identifier: MIT OR Apache-2.0
# Completion of sokr(1) for fish.
function __sokr_substrates
    sokr devices --json 2>/dev/null | sed -n '/"substrates"/,/"unavailable"/s/^      "name": "\([^"]*\)".*/\1/p'
end

set -l commands devices inspect run bench check cache help
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -f
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -a devices -d 'every substrate here'
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -a inspect -d 'what a kernel needs'
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -a run -d 'one dispatch, from files to files'
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -a bench -d 'latency'
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -a check -d 'whether a plugin keeps the rules'
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -a cache -d 'compiled kernels on disk'
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -a help -d 'what a command takes'
complete -c sokr -n "__fish_seen_subcommand_from help" -f -a 'devices inspect run bench check cache'
complete -c sokr -n "__fish_seen_subcommand_from check" -l seed -r -d 'a valid kernel of its format'
complete -c sokr -n "__fish_seen_subcommand_from check" -l timeout -x -d 'for each rule'
complete -c sokr -n "__fish_seen_subcommand_from bench" -l baseline -r -d 'results to compare with'
complete -c sokr -n "__fish_seen_subcommand_from bench" -l max-regress -x -d 'percent'
complete -c sokr -n "not __fish_seen_subcommand_from $commands" -l version -d 'show the version'
complete -c sokr -s h -l help -d 'show help'
complete -c sokr -n "__fish_seen_subcommand_from $commands" -l json -d 'machine-readable result'
complete -c sokr -n "__fish_seen_subcommand_from devices cache" -f
complete -c sokr -n "__fish_seen_subcommand_from cache" -a 'list clear'
complete -c sokr -n "__fish_seen_subcommand_from run bench inspect" -l on -x -a '(__sokr_substrates)' -d 'substrates to use'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l entry -x -d 'entry point'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l groups -x -d 'workgroups'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l threads -x -d 'invocations'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l in -r -d 'contents of a buffer'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l zero -x -d 'a buffer of zeros'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l out -r -d 'where to write a buffer'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l push -r -d 'push constants'
complete -c sokr -n "__fish_seen_subcommand_from run bench inspect" -l spec -x -d 'specialization constant'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l local-size -x -d 'workgroup size'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l subgroup-size -x -d 'subgroup size'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l repeat -x -d 'dispatches'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l swap -x -d 'exchange buffers between dispatches'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l cast -d 'convert .npy inputs'
complete -c sokr -n "__fish_seen_subcommand_from run bench" -l tolerance -x -d 'how far substrates may differ'
complete -c sokr -n "__fish_seen_subcommand_from run" -l print -x -d 'values to show'
