" Kernel logs in vim's quickfix list. Install: copy the folder `compiler` into ~/.vim (or ~/.config/nvim) and
" kanalyze-quickfix into your PATH, then
"
"     :compiler kanalyze
"     :make console.log
"
" and :cnext goes from report to report. For a log that is open already: `:compiler kanalyze | make %`.
if exists('current_compiler')
  finish
endif
let current_compiler = 'kanalyze'
CompilerSet makeprg=kanalyze-quickfix\ $*
CompilerSet errorformat=%f:%l:%m
