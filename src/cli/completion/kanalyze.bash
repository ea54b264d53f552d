# Completion for bash 4.4 or later. readline cuts words at `=` and `:`: the program is given the whole word, the shell what it replaces.
# Names with blanks, quotes or dollars are written so that the shell reads them back.
_kanalyze() {
    local words=() word line=${COMP_LINE:0:COMP_POINT} i
    for (( i = 0; i <= COMP_CWORD; i++ )); do
        if (( i == COMP_CWORD )); then
            word=${line#"${line%%[![:blank:]]*}"}
        else
            word=${COMP_WORDS[i]}
        fi
        if [[ $i -gt 0 && $line != [[:blank:]]* && ( $word == [=:]* || ${words[-1]} == *[=:] ) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        line=${line#*"$word"}
    done
    local typed=${words[-1]} quote=
    case $typed in
        [\"\']*) quote=${typed:0:1} words[-1]=${typed:1} ;;
        *) words[-1]=${typed//\\/} ;;
    esac
    # What stands before the last `=` or `:` is not replaced.
    local kept=
    [[ -z $quote && $typed == *[=:]* ]] && kept=${words[-1]%"${words[-1]##*[=:]}"}
    # Not `< <(…)`: that needs /dev/fd, which a bare root has not.
    local found=() answer one home
    answer=$(_CLAP_IFS=$'\013' _CLAP_COMPLETE_INDEX=$(( ${#words[@]} - 1 )) COMPLETE=bash kanalyze -- "${words[@]}" 2> /dev/null)
    if [[ -n $answer ]]; then
        IFS=$'\013' read -r -d '' -a found <<< "$answer"
        found[-1]=${found[-1]%$'\n'}
    fi
    COMPREPLY=()
    for one in "${found[@]}"; do
        one=${one#"$kept"} home=
        [[ -z $quote && $one == '~/'* ]] && home='~/' one=${one:2}
        [[ -z $quote && -n $one ]] && printf -v one %q "$one"
        COMPREPLY+=("$home$one")
    done
    [[ ${COMPREPLY-} == *[=/:] ]] || compopt +o nospace 2> /dev/null
}
complete -o nospace -o bashdefault -o nosort -F _kanalyze kanalyze
