#compdef kanalyze
# Completion for zsh. The program is given the words as they are meant, without the quoting of the shell.
_kanalyze() {
    local -a found dirs other
    local one value home=
    found=("${(@f)$(
        _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$(( CURRENT - 1 )) COMPLETE=zsh \
            kanalyze -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2> /dev/null
    )}")
    # A tilde is no letter of a name: it would be quoted.
    [[ $PREFIX == '~/'* ]] && compset -P '\~/' && home='~/'
    for one in "${(@)found#$home}"; do
        value=${one%%:*}
        if [[ -z $one ]]; then
            continue
        elif [[ $value == */ ]]; then
            dirs+=("${value%/}${one#$value}")
        else
            other+=("$one")
        fi
    done
    (( $#dirs )) && _describe -V 'values' dirs -S '/' -r '/'
    (( $#other )) && _describe -V 'values' other
    (( $#dirs + $#other ))
}
# A file of $fpath is a function's body; anything else is sourced.
if [[ ${funcstack[1]} == _kanalyze ]]; then
    _kanalyze "$@"
else
    compdef _kanalyze kanalyze
fi
