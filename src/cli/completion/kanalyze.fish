# Completion for fish. The program is given the word before the cursor as it is meant, without its quoting.
complete --keep-order --exclusive --command kanalyze --arguments "(COMPLETE=fish kanalyze -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token --cut-at-cursor | string unescape))"
