# SPDX-License-Identifier: MIT OR Apache-2.0
# Completion of sokr(1) for bash.
_sokr_substrates() {
  sokr devices --json 2>/dev/null |
    sed -n '/"substrates"/,/"unavailable"/s/^      "name": "\([^"]*\)".*/\1/p'
}

_sokr() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' word flags='--help --json'
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in devices | inspect | run | bench | check | cache | trace | icd | help) command=$word; break ;; esac
  done
  if [[ -z $command ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'devices inspect run bench check cache trace icd help --help --version' -- "$current")
    return
  fi
  [[ $command != check ]] || flags+=' --seed --timeout'
  [[ $command != bench ]] || flags+=' --precision --budget --bytes --flops --check --no-check
    --csv --markdown --html --svg --sweep --baseline --max-regress --baseline-command --relative-to --metric'
  [[ $command != run && $command != bench ]] || flags+=' --on --entry --groups --threads --in --zero --out --push
    --spec --local-size --subgroup-size --repeat --swap --cast --tolerance'
  [[ $command != run ]] || flags+=' --print'
  [[ $command != inspect ]] || flags+=' --on --spec'
  case $previous in
    --metric) mapfile -t COMPREPLY < <(compgen -W 'instructions cycles cache-misses task-clock' -- "$current"); return ;;
    --relative-to) mapfile -t COMPREPLY < <(compgen -W "calibration kernel $(_sokr_substrates)" -- "$current"); return ;;
    --on) mapfile -t COMPREPLY < <(compgen -W "$(_sokr_substrates)" -- "$current"); return ;;
    --entry | --groups | --threads | --zero | --spec | --local-size | --subgroup-size | --repeat | \
      --swap | --tolerance | --print | --max-regress | --precision | --budget | --bytes | --flops | --sweep | --baseline-command | --timeout)
      return ;;
  esac
  case $current in
    -*) mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current") ;;
    *)
      if [[ $command == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "devices inspect run bench check cache trace icd" -- "$current")
        return
      fi
      if [[ $command == cache ]]; then
        mapfile -t COMPREPLY < <(compgen -W "list clear" -- "$current")
        return
      fi
      [[ $command == devices ]] || mapfile -t COMPREPLY < <(compgen -f -- "${current##*=}")
      ;;
  esac
}
complete -o filenames -F _sokr sokr
